"""Logs: one JSON object a line, without secrets and without repetition."""

import io
import json
import logging

import pytest
import stamina
import structlog
from shared.runtime.logs import configure, get_logger
from shared.runtime.settings import LogSettings


@pytest.fixture
def lines():
    """Configures logging onto a buffer and answers a function that gives the lines written."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    buffer = io.StringIO()

    def written() -> list[dict[str, object]]:
        return [json.loads(line) for line in buffer.getvalue().splitlines()]

    def start(**settings: str):
        configure(LogSettings.model_validate(settings), service="scoring", stream=buffer)
        return written

    yield start
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    stamina.instrumentation.set_on_retry_hooks(None)


def test_outside_a_terminal_each_event_is_one_json_object(lines):
    written = lines()

    get_logger().info("batch_committed", records=3, detail="小区\n二")

    (line,) = written()
    assert line["event"] == "batch_committed"
    assert line["records"] == 3
    assert line["detail"] == "小区\n二"
    assert line["level"] == "info"
    assert line["service"] == "scoring"
    assert str(line["timestamp"]).endswith("Z")


def test_context_of_a_task_is_added(lines):
    written = lines()

    with structlog.contextvars.bound_contextvars(partition=4):
        get_logger().info("claimed")

    assert written()[0]["partition"] == 4


def test_levels_below_the_setting_are_left_out(lines):
    written = lines(level="warning")

    get_logger().info("quiet")
    get_logger().warning("loud")

    assert [line["event"] for line in written()] == ["loud"]


def test_tracebacks_show_no_local_variables(lines):
    written = lines()

    def work(password: str) -> None:
        raise RuntimeError("broken")

    try:
        work("geheim")
    except RuntimeError:
        get_logger().exception("failed")
        logging.getLogger("library").exception("failed there")

    ours, theirs = written()
    assert "RuntimeError" in json.dumps(ours)
    assert "RuntimeError" in json.dumps(theirs)
    assert "geheim" not in json.dumps([ours, theirs])


def test_a_library_is_heard_once_and_only_when_something_is_wrong(lines):
    written = lines()

    for port in range(40):
        logging.getLogger("aiokafka").error("Unable connect to node with id %s", port)
    logging.getLogger("aiokafka.consumer.fetcher").error("Failed fetch messages from %s", 1)
    logging.getLogger("uvicorn.error").info("Started server process")

    assert [line["event"] for line in written()] == [
        "Unable connect to node with id 0",
        "Failed fetch messages from 1",
    ]
    assert written()[0]["service"] == "scoring"


def test_our_own_events_are_never_held_back(lines):
    written = lines()

    for _ in range(3):
        get_logger().warning("fenced", partition=1)

    assert len(written()) == 3


def test_the_console_form_is_for_people(lines, capsys):
    configure(LogSettings(format="console"), service="scoring")

    get_logger().info("serving", port=8081)

    said = capsys.readouterr().err
    assert "serving" in said
    assert "port=8081" in said
