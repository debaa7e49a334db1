"""The embedded servers through everything a laptop does to them."""

import asyncio
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from shared.embedded.account import account_for
from shared.embedded.directory import DataDirectory, read_json, write_json
from shared.embedded.errors import EmbeddedError, PortTakenError
from shared.embedded.ports import any_free
from shared.embedded.processes import ProcessMark, end
from shared.embedded.servers import Servers, living, stop_found

from tests.eventually import eventually

STARTER = """
import sys
from pathlib import Path
from shared.embedded.servers import Servers
servers = Servers.start(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One data directory for all tests here: each start goes on with what the one before left."""
    path = tmp_path_factory.mktemp("embedded") / "data"
    yield path
    stop_found(path)


@pytest.fixture(scope="module")
def pair(data: Path) -> Iterator[Servers]:
    """Both servers, running, for the tests that leave them so; they come first in this module."""
    with _start(data) as servers:
        yield servers


def _start(data: Path) -> Servers:
    known = read_json(DataDirectory(data).servers)
    ports = {f"{name}_port": any_free() for name in ("kafka", "postgres") if name not in known}
    return Servers.start(data, **ports)


async def _write(servers: Servers) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=servers.kafka)
    await admin.start()
    await admin.create_topics([NewTopic("kept", num_partitions=1, replication_factor=1)])
    await admin.close()

    async def produce() -> bool:
        async with AIOKafkaProducer(bootstrap_servers=servers.kafka, acks="all") as producer:
            await producer.send_and_wait("kept", b"fact")
        return True

    await eventually(produce)
    connection = await asyncpg.connect(servers.postgres)
    await connection.execute("CREATE TABLE kept AS SELECT 'fact' AS what")
    await connection.close()


async def _read(servers: Servers) -> tuple[bytes | None, str]:
    async with AIOKafkaConsumer(
        "kept", bootstrap_servers=servers.kafka, auto_offset_reset="earliest", group_id=None
    ) as consumer:
        record = await consumer.getone()
    connection = await asyncpg.connect(servers.postgres)
    try:
        return record.value, await connection.fetchval("SELECT what FROM kept")
    finally:
        await connection.close()


def test_a_second_start_uses_the_first_and_leaves_it_alone(data: Path, pair: Servers) -> None:
    second = Servers.start(data)
    assert second.owned == ()
    assert (second.kafka, second.postgres, second.marks) == (pair.kafka, pair.postgres, pair.marks)
    second.stop()
    assert set(living(data)) == {"kafka", "postgres"}
    # Not asked for in vain either: it cannot be on two ports.
    with pytest.raises(EmbeddedError, match="already runs on port"):
        Servers.start(data, kafka_port=any_free())
    assert set(living(data)) == {"kafka", "postgres"}


def test_a_directory_is_one_whatever_way_leads_to_it(data: Path, pair: Servers) -> None:
    """Two brokers on one log would destroy it: the second start must see the first."""
    way = data.with_name("other-way")
    way.symlink_to(data)
    assert Servers.start(way).marks == pair.marks
    moved = data.with_name("moved")
    data.rename(moved)
    found = living(moved)
    moved.rename(data)
    assert {name: running.mark for name, running in found.items()} == pair.marks


async def test_the_superuser_needs_its_password(pair: Servers) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(pair.postgres, password="postgres")
    connection = await asyncpg.connect(pair.postgres)
    names = ("fsync", "synchronous_commit", "max_connections", "data_checksums", "server_version_num")
    settings = {name: await connection.fetchval(f"SHOW {name}") for name in names}
    await connection.close()
    assert settings.pop("server_version_num").startswith("18")
    assert settings == {
        "fsync": "on",
        "synchronous_commit": "on",
        "max_connections": "200",
        "data_checksums": "on",
    }


async def test_both_survive_kill_9_with_all_they_were_given(data: Path, pair: Servers) -> None:
    await _write(pair)
    before = pair.marks
    for mark in before.values():
        end(mark, signal.SIGKILL, 5)
    with await asyncio.to_thread(_start, data) as again:
        assert again.owned == ("kafka", "postgres")
        assert set(again.marks.values()).isdisjoint(before.values())
        # The same ports, so that whoever was connected finds them again.
        assert (again.kafka, again.postgres) == (pair.kafka, pair.postgres)
        assert await _read(again) == (b"fact", "fact")
    assert living(data) == {}


def test_servers_of_a_killed_starter_become_ours(data: Path) -> None:
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER, str(data)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with starter:
        assert starter.stdout is not None
        assert starter.stdout.readline() == b"ready\n"
        assert Servers.start(data).owned == ()
        starter.kill()
    orphans = living(data)
    assert set(orphans) == {"kafka", "postgres"}
    with Servers.start(data) as servers:
        assert servers.owned == ("kafka", "postgres")
        assert servers.marks == {name: running.mark for name, running in orphans.items()}
        # And looked after as our own.
        end(servers.marks["kafka"], signal.SIGKILL, 5)
        assert servers.revive() == ["kafka"]
        assert servers.revive() == []
        assert servers.marks["postgres"] == orphans["postgres"].mark
        assert servers.marks["kafka"] != orphans["kafka"].mark
    assert living(data) == {}


def test_a_server_whose_port_was_taken_meanwhile_is_revived_later(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.embedded.servers.PORT_FREED_SECONDS_MAX", 0.1)
    with Servers.start(data, given_kafka="127.0.0.1:1") as servers:
        port = living(data)["postgres"].port
        end(servers.marks["postgres"], signal.SIGINT, 10)
        with socket.create_server(("127.0.0.1", port)), pytest.raises(PortTakenError):
            servers.revive()
        assert servers.revive() == ["postgres"]
        assert living(data)["postgres"].port == port
    assert living(data) == {}


def test_a_given_port_that_is_taken_starts_nothing(data: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        taken = holder.getsockname()[1]
        for port in ("kafka_port", "postgres_port"):
            with pytest.raises(PortTakenError, match=f"port {taken}"):
                Servers.start(data, **{port: taken})
            assert living(data) == {}


def test_stale_records_name_nobody(data: Path) -> None:
    """A pid that is somebody else's by now is not used, not in the way, not ended; nor is its port."""
    directory = DataDirectory(data)
    account = account_for(directory.postgres, directory.path)
    with (
        socket.create_server(("127.0.0.1", 0)) as holder,
        subprocess.Popen(["sleep", "600"], **account.as_child()) as bystander,
    ):
        taken = holder.getsockname()[1]
        pid_file = directory.postgres / "postmaster.pid"
        pid_file.write_text(
            f"{bystander.pid}\n{directory.postgres}\n1\n{taken}\n\n127.0.0.1\n  1 1\nready   \n"
        )
        account.own(pid_file)
        records = read_json(directory.servers)
        stale = {"pid": bystander.pid, "port": taken}
        write_json(directory.servers, {name: {**entry, **stale} for name, entry in records.items()})
        with Servers.start(data) as servers:
            assert bystander.pid not in [mark.pid for mark in servers.marks.values()]
            assert not servers.kafka.endswith(f":{taken}")
            assert f":{taken}/" not in servers.postgres
        assert stop_found(data) == []
        assert bystander.poll() is None
        bystander.kill()


def test_backends_that_outlived_their_server_are_ended_first(data: Path) -> None:
    """A frozen backend keeps what the killed server shared with it; two writers would destroy the cluster."""
    with _start(data) as servers:
        server = servers.marks["postgres"].process()
        assert server is not None
        frozen = [ProcessMark(child.pid, child.create_time()) for child in server.children()]
        for mark in frozen:
            psutil.Process(mark.pid).suspend()
        end(servers.marks["postgres"], signal.SIGKILL, 5)
        with Servers.start(data) as again:
            assert again.owned == ("postgres",)
            assert not any(mark.alive() for mark in frozen)
