"""The parts of the embedded servers that need no server."""

import errno
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path
from time import monotonic

import pytest
from shared.embedded import java, logfiles, ports
from shared.embedded.account import Account
from shared.embedded.databases import password_of
from shared.embedded.directory import DataDirectory, read_json, write_json
from shared.embedded.errors import (
    DiskFullError,
    EmbeddedError,
    JavaMissingError,
    NotPermittedError,
    NotReadyError,
    PortTakenError,
)
from shared.embedded.launch import PortLostError, Program, launch, run_once
from shared.embedded.processes import ProcessMark, end, poll
from shared.embedded.runfile import Run
from shared.embedded.services import environment, plan, replicas_from
from shared.embedded.settings import InstallationSettings
from shared.embedded.system import end_left_over
from shared.runtime.errors import StartupError
from shared.runtime.settings import load


def _python(tmp_path: Path, source: str) -> Program:
    return Program(
        server="Stand-in",
        command=[sys.executable, "-c", source],
        directory=tmp_path,
        log=tmp_path / "logs" / "stand-in.log",
        stop_signal=signal.SIGTERM,
        stop_seconds=2,
    )


@pytest.fixture(autouse=True)
def logs(tmp_path: Path) -> Path:
    (tmp_path / "logs").mkdir()
    return tmp_path / "logs"


def test_a_given_port_that_is_taken_is_an_error_and_a_wished_one_is_not() -> None:
    with socket.create_server((ports.LOOPBACK, 0)) as holder:
        taken = holder.getsockname()[1]
        with pytest.raises(PortTakenError, match=f"port {taken} .* because another program has it"):
            ports.choose("Kafka", taken)
        assert ports.choose("Kafka", None, [taken]) != taken
    assert ports.choose("Kafka", taken) == taken


def test_a_mark_never_names_the_successor_with_the_same_pid() -> None:
    mine = ProcessMark.mine()
    assert mine.alive()
    predecessor = ProcessMark(mine.pid, mine.started - 60)
    assert not predecessor.alive()
    # Would end this very test if the start time were not looked at.
    end(predecessor, signal.SIGKILL, 1)


def test_a_process_that_ignores_its_signal_is_killed(tmp_path: Path) -> None:
    ignores = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    source = f"import signal; {ignores}; print('deaf', flush=True); signal.pause()"
    child = subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    mark = ProcessMark.of(child.pid)
    assert mark is not None
    end(mark, signal.SIGTERM, 0.2)
    assert not mark.alive()
    child.stdout.close()
    child.wait()


def test_polling_ends_at_its_deadline_and_when_called_off() -> None:
    assert poll(lambda: None, 0.1) is None
    assert poll(lambda: "answer", 0.1) == "answer"
    cancelled = threading.Event()
    cancelled.set()
    since = monotonic()
    assert poll(lambda: None, 600, cancelled) is None
    assert monotonic() - since < 300


@pytest.mark.parametrize(
    ("says", "raises"),
    [
        ("java.io.IOException: No space left on device", DiskFullError),
        ("java.net.BindException: Address already in use", PortLostError),
        ("INFO starting\nERROR broken configuration\n\tat kafka.Kafka.main", NotReadyError),
    ],
)
def test_a_program_that_ends_while_starting_is_explained(
    tmp_path: Path, says: str, raises: type[Exception]
) -> None:
    program = _python(tmp_path, f"import sys; sys.exit({says!r})")
    with pytest.raises(raises) as caught:
        launch(program, lambda: False, threading.Event())
    if raises is NotReadyError:
        assert str(caught.value).endswith("its last line: ERROR broken configuration")
    with pytest.raises(raises):
        run_once(program)


def test_what_a_program_said_in_an_earlier_start_explains_nothing(tmp_path: Path) -> None:
    program = _python(tmp_path, "import sys; sys.exit('FATAL today')")
    program.log.write_text("No space left on device\n")
    with pytest.raises(NotReadyError, match="FATAL today"):
        run_once(program)


def test_logs_are_kept_to_a_size(logs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logfiles, "KEPT_BYTES_MAX", 10)
    log = logs / "kafka.log"
    log.write_text("more than ten bytes")
    logfiles.rotate(log)
    assert not log.exists()
    assert (logs / "kafka.log.1").read_text() == "more than ten bytes"


@pytest.mark.parametrize(
    ("number", "raises"),
    [(errno.ENOSPC, DiskFullError), (errno.EDQUOT, DiskFullError), (errno.EACCES, NotPermittedError)],
)
def test_what_the_system_refuses_becomes_one_sentence(
    tmp_path: Path, number: int, raises: type[EmbeddedError]
) -> None:
    directory = DataDirectory(tmp_path)
    with pytest.raises(raises) as caught, directory.explained():
        raise OSError(number, os.strerror(number), str(tmp_path / "kafka"))
    assert str(tmp_path) in caught.value.sentence
    assert "\n" not in caught.value.sentence


def test_a_file_in_the_place_of_the_data_directory(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EmbeddedError, match="something else has that name"):
        DataDirectory(tmp_path / "file").prepare()


def test_the_run_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text("{}")
    path.chmod(0o666)
    run = Run(
        intake="http://127.0.0.1:8080", credential="ax_local_secret", postgres={"intake": "postgresql://"}
    )
    run.note({"anxing": ProcessMark(1, 2.5)})
    run.write(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert Run.read(path) == run
    assert Run.read(path).marks() == {"anxing": ProcessMark(1, 2.5)}
    assert "secret" not in json.dumps(run.shown())


def test_services_that_outlived_their_supervisor_are_ended(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "600"]) as orphan, subprocess.Popen(["sleep", "600"]) as other:
        mark, stranger = ProcessMark.of(orphan.pid), ProcessMark.of(other.pid)
        assert mark is not None
        assert stranger is not None
        run = Run(replicas={"intake-1": "http://127.0.0.1:1", "notify-1": "http://127.0.0.1:2"})
        run.note({"intake-1": mark, "notify-1": ProcessMark(other.pid, stranger.started - 60)})
        run.write(tmp_path / "run.json")
        assert end_left_over(DataDirectory(tmp_path)) == ["intake-1"]
        assert not mark.alive()
        assert stranger.alive()
        other.kill()


def test_half_a_file_counts_as_none(tmp_path: Path) -> None:
    path = tmp_path / "servers.json"
    write_json(path, {"kafka": {"port": 9092}})
    assert read_json(path) == {"kafka": {"port": 9092}}
    path.write_text(path.read_text()[:9])
    assert read_json(path) == {}


def test_an_account_may_pass_and_not_look(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    Account(uid=54321, gid=54321).let_through(closed / "postgres")
    assert stat.S_IMODE(closed.stat().st_mode) == 0o701


def test_no_java_for_this_platform(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    old = tmp_path / "bin" / "java"
    old.parent.mkdir()
    old.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\"' >&2\n")
    old.chmod(0o755)
    monkeypatch.setattr(java, "find_spec", lambda _name: None)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert java.major_of(old) == 11
    with pytest.raises(JavaMissingError, match="install one"):
        java.find_java()
    old.write_text("#!/bin/sh\necho 'openjdk version \"21.0.2\"' >&2\n")
    assert java.find_java() == old


def test_replicas_as_people_write_them(tmp_path: Path) -> None:
    assert replicas_from(["scoring=3"]) == {"intake": 1, "scoring": 3, "notify": 1}
    for nonsense in ("scoring", "scoring=0", "scores=2", "scoring=three", "scoring=1000"):
        with pytest.raises(StartupError, match="makes no sense"):
            replicas_from([nonsense])
    databases = dict.fromkeys(("intake", "scoring", "notify"), "postgresql://")
    planned = plan(replicas_from(["scoring=3"]), "127.0.0.1:1", databases, DataDirectory(tmp_path))
    assert [replica.name for replica in planned] == [
        "intake-1",
        "scoring-1",
        "scoring-2",
        "scoring-3",
        "notify-1",
    ]
    assert len({replica.port for replica in planned}) == 5


def test_services_are_told_their_servers_and_the_rest_of_the_surroundings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANXING_POSTGRES__URL", "postgresql://postgres:secret@h/postgres")
    monkeypatch.setenv("ANXING_TIMEZONE", "Asia/Urumqi")
    monkeypatch.setenv("ANXING_NOTIFY__ALLOWED_NETWORKS", '["10.0.0.0/8"]')
    told = environment("notify", "k:9092", "postgresql://notify@h/notify", DataDirectory(tmp_path))
    assert told["ANXING_KAFKA__BOOTSTRAP"] == "k:9092"
    assert told["ANXING_DATABASE__URL"] == "postgresql://notify@h/notify"
    assert told["ANXING_TIMEZONE"] == "Asia/Urumqi"
    assert told["ANXING_NOTIFY__ALLOWED_NETWORKS"] == '["10.0.0.0/8"]'
    assert "ANXING_POSTGRES__URL" not in told


def test_only_a_given_address_counts_as_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANXING_KAFKA__BOOTSTRAP", raising=False)
    monkeypatch.delenv("ANXING_POSTGRES__URL", raising=False)
    monkeypatch.setenv("ANXING_KAFKA__PARTITIONS", "24")
    assert load(InstallationSettings).given_kafka is None
    monkeypatch.setenv("ANXING_KAFKA__BOOTSTRAP", "kafka:9092")
    settings = load(InstallationSettings)
    assert (settings.given_kafka, settings.kafka.partitions) == ("kafka:9092", 24)
    monkeypatch.setenv("ANXING_POSTGRES__URL", "mysql://h")
    with pytest.raises(StartupError, match="ANXING_POSTGRES__URL must be postgresql://"):
        load(InstallationSettings)


def test_role_passwords_follow_from_the_superuser_and_differ() -> None:
    server = "postgresql://postgres:s%40cret@127.0.0.1:5432/postgres"
    assert password_of(server, "intake") == password_of(server, "intake")
    assert password_of(server, "intake") != password_of(server, "scoring")
    assert password_of(server, "intake") != password_of(server.replace("s%40cret", "other"), "intake")
