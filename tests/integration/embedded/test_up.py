"""`anxing up` with services that stand in for ours, so that they can be made to misbehave."""

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
from shared.embedded.detach import down
from shared.embedded.processes import ProcessMark, poll
from shared.embedded.runfile import Run
from shared.embedded.servers import living
from shared.embedded.status import status_of

from tests.servers import SessionServers

STAND_INS = Path(__file__).parent / "stand_ins"
SECONDS_MAX = 90


@dataclass
class Command:
    """`anxing` on one data directory, with what it is told about its surroundings."""

    data: Path
    wishes: Path
    variables: dict[str, str] = field(default_factory=dict)

    def run(self, verb: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs a verb to its end."""
        return subprocess.run(
            self._line(verb, *arguments),
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=SECONDS_MAX,
            check=False,
        )

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """Starts `up` in the foreground and waits until it has said where everything is."""
        child = subprocess.Popen(
            self._line("up", *arguments),
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        # A killed run leaves its marks behind.
        assert poll(lambda: self._is_ready(child) or child.poll() is not None, SECONDS_MAX)
        return child

    def _is_ready(self, child: "subprocess.Popen[str]") -> bool:
        starter = self.marks().get("anxing")
        return starter is not None and starter.pid == child.pid

    def marks(self) -> dict[str, ProcessMark]:
        """The processes that `run.json` names."""
        return Run.read(self.data / "run.json").marks()

    def wish(self, what: str) -> Path:
        """Makes a stand-in misbehave, see there."""
        path = self.wishes / what
        path.touch()
        return path

    def _line(self, verb: str, *arguments: str) -> list[str]:
        data = [] if verb == "topics" else ["--data", str(self.data)]
        return [sys.executable, "-m", "shared.embedded", verb, *data, *arguments]

    def _environment(self) -> dict[str, str]:
        paths = os.pathsep.join([str(STAND_INS), *(path for path in sys.path if path)])
        return os.environ | {"PYTHONPATH": paths, "ANXING_STAND_IN": str(self.wishes)} | self.variables


@pytest.fixture
def command(tmp_path: Path, servers: SessionServers) -> Iterator[Command]:
    """On the session's servers: most of these tests are about services."""
    wishes = tmp_path / "wishes"
    wishes.mkdir()
    given = {
        "ANXING_KAFKA__BOOTSTRAP": servers.kafka,
        "ANXING_POSTGRES__URL": servers.postgres,
        "ANXING_KAFKA__TOPIC_PREFIX": f"{tmp_path.name}.",
        "ANXING_KAFKA__PARTITIONS": "2",
    }
    yield Command(tmp_path / "data", wishes, given)
    down(tmp_path / "data")


async def test_up_status_down(command: Command) -> None:
    child = command.start("--replicas", "scoring=2")
    run = json.loads((command.data / "run.json").read_text())
    assert stat.S_IMODE((command.data / "run.json").stat().st_mode) == 0o600
    assert set(run["pids"]) == {"anxing", "intake-1", "scoring-1", "scoring-2", "notify-1"}
    assert run["credential"].startswith("ax_local_")
    assert set(run["postgres"]) == {"intake", "scoring", "notify"}
    status = await status_of(command.data)
    assert status["running"]
    assert status["lag"] == 7
    assert [process["ready"] for process in status["processes"] if process["name"] != "anxing"] == [True] * 4
    assert status["databases"]["intake"] == {"outbox": 0, "outbox_oldest_seconds": None, "parked": 0}
    # A second one finds the first.
    assert "已在运行" in command.run("up").stderr
    assert command.run("up", "--fresh").returncode == 2
    marks = command.marks()
    ended = json.loads(command.run("down", "--json").stdout)["ended"]
    assert set(ended) == set(marks)
    assert child.wait(10) == 0
    told = child.stdout.read() if child.stdout else ""
    assert run["intake"] in told
    assert run["credential"] not in told
    assert not any(mark.alive() for mark in marks.values())
    assert not (await status_of(command.data))["running"]
    # The key is used again.
    again = command.start()
    assert Run.read(command.data / "run.json").credential == run["credential"]
    again.send_signal(signal.SIGINT)
    assert again.wait(15) == 0


def test_a_service_that_dies_is_started_again(command: Command) -> None:
    with command.start() as child:
        before = command.marks()["scoring-1"]
        os.kill(before.pid, signal.SIGKILL)
        assert poll(lambda: command.marks()["scoring-1"] != before, SECONDS_MAX)
        child.send_signal(signal.SIGTERM)
        told = child.communicate()[0]
    assert child.returncode == 0
    assert "scoring-1 意外退出（信号 SIGKILL），正在重新启动" in told


def test_a_service_that_dies_again_and_again_ends_everything(command: Command) -> None:
    with command.start() as child:
        command.wish("scoring.refuses")
        others = [mark for name, mark in command.marks().items() if name != "anxing"]
        os.kill(command.marks()["scoring-1"].pid, signal.SIGKILL)
        told = child.communicate(timeout=SECONDS_MAX)[0]
    assert child.returncode == 2
    assert told.strip().endswith("its last line: ANXING_RUBRIC must name a rubric: scoring cannot start.")
    assert not any(mark.alive() for mark in others)


@pytest.mark.parametrize("service", ["intake", "scoring", "notify"])
def test_a_service_that_cannot_start_is_quoted(command: Command, service: str) -> None:
    command.wish(f"{service}.refuses")
    done = command.run("up")
    assert done.returncode == 2
    assert f"{service} cannot start." in done.stderr
    assert "Traceback" not in done.stderr
    assert command.marks() == {}


def test_a_service_that_does_not_end_is_killed_in_time(command: Command) -> None:
    command.wish("notify.hangs")
    with command.start() as child:
        marks = command.marks()
        child.send_signal(signal.SIGINT)
        assert child.wait(15) == 0
    assert not any(mark.alive() for mark in marks.values())


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of a killed parent")
def test_services_die_with_a_killed_parent(command: Command) -> None:
    command.wish("notify.hangs")
    with command.start() as child:
        services = [mark for name, mark in command.marks().items() if name != "anxing"]
        child.kill()
    assert poll(lambda: not any(mark.alive() for mark in services), 10)
    # And the data directory can be used at once.
    with command.start() as again:
        again.send_signal(signal.SIGTERM)
    assert again.returncode == 0


def test_detached(command: Command) -> None:
    done = command.run("up", "--detach", "--json")
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert shown["pids"]["anxing"] == command.marks()["anxing"].pid
    assert "credential" not in shown
    assert psutil.Process(shown["pids"]["anxing"]).ppid() != os.getpid()
    assert json.loads(command.run("down", "--json").stdout)["ended"]
    command.wish("intake.refuses")
    failed = command.run("up", "--detach")
    assert failed.returncode == 2
    assert "intake cannot start." in failed.stderr


def test_with_servers_of_its_own(command: Command) -> None:
    command.variables = {}
    with command.start() as child:
        assert set(living(command.data)) == {"kafka", "postgres"}
        kafka = command.marks()["kafka"]
        os.kill(kafka.pid, signal.SIGKILL)
        assert poll(lambda: command.marks()["kafka"] != kafka, SECONDS_MAX)
        child.send_signal(signal.SIGINT)
        told = child.communicate()[0]
    assert "kafka 意外退出，已重新启动" in told
    assert living(command.data) == {}


def test_topics_alone(command: Command) -> None:
    created = json.loads(command.run("topics", "--json").stdout)["created"]
    assert len(created) == 6


def test_nothing_runs(command: Command) -> None:
    assert command.run("status").returncode == 3
    assert json.loads(command.run("down", "--json").stdout) == {"ended": []}
