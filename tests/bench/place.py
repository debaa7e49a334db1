"""Where rows run: real servers, fresh databases and topics, services as processes of their own."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import psutil
from aiokafka import AIOKafkaProducer
from aiokafka.producer.message_accumulator import BatchBuilder
from shared.embedded.ports import any_free
from shared.embedded.servers import Servers
from shared.events.topics import partition_for
from shared.runtime.settings import KafkaSettings
from shared.runtime.topics import ensure_topics

ROOT = Path(__file__).resolve().parents[2]
SERVICE_READY_SECONDS_MAX = 60
STOP_SECONDS_MAX = 20
FILL_BATCH_BYTES = 256 * 1024


@dataclass
class Place:
    """Two servers and the right to make databases on them; `kept` is what its rows share."""

    bootstrap: str
    postgres: str
    work: Path
    kept: dict[str, object] = field(default_factory=dict)

    def kafka(self) -> KafkaSettings:
        """Settings with topics of their own; make them with `ensure_topics`."""
        return KafkaSettings(bootstrap=self.bootstrap, topic_prefix=f"bench-{uuid.uuid4().hex[:8]}.")

    async def database(self, service: str) -> str:
        """A fresh, migrated database of a service."""
        name = f"bench_{service}_{uuid.uuid4().hex[:8]}"
        admin = await asyncpg.connect(self.postgres)
        await admin.execute(f'CREATE DATABASE "{name}"')
        await admin.close()
        url = self.postgres.rsplit("/", 1)[0] + f"/{name}"
        await run_to_end([service, "migrate"], self.environment(KafkaSettings(bootstrap=self.bootstrap), url))
        return url

    async def key(self, environment: Mapping[str, str]) -> str:
        """A key with all roles, issued with the surroundings of intake."""
        verb = ["intake", "keys", "issue", "--json", "--id", "bench", "--all-roles", "--right", "backfill"]
        issued: dict[str, str] = json.loads(await run_to_end(verb, environment))
        return issued["key"]

    def environment(self, kafka: KafkaSettings, url: str, **more: str) -> dict[str, str]:
        """The surroundings of a service process."""
        return {
            **os.environ,
            "ANXING_KAFKA__BOOTSTRAP": kafka.bootstrap,
            "ANXING_KAFKA__TOPIC_PREFIX": kafka.topic_prefix,
            "ANXING_DATABASE__URL": url,
            "ANXING_LOG__LEVEL": "warning",
            **more,
        }

    @asynccontextmanager
    async def service(
        self,
        name: str,
        environment: Mapping[str, str],
        *,
        ready: bool = True,
        words: Sequence[str] = (),
    ) -> AsyncIterator[tuple[int, psutil.Process]]:
        """One service process; answers its port and the process, and ends it.

        `words` start it otherwise than by its own command.
        """
        port = any_free()
        log = self.work / f"{name}-{port}.log"
        with log.open("wb") as sink:
            process = await asyncio.create_subprocess_exec(
                *(words or command([name, "serve"])),
                cwd=ROOT,
                env={**environment, "ANXING_HTTP__PORT": str(port)},
                stdout=sink,
                stderr=sink,
            )
        try:
            if ready:
                await _until_ready(port, process, log)
            yield port, psutil.Process(process.pid)
        finally:
            if process.returncode is None:
                process.terminate()
                try:
                    await asyncio.wait_for(process.wait(), STOP_SECONDS_MAX)
                except TimeoutError:
                    process.kill()
                    await process.wait()


@asynccontextmanager
async def open_place() -> AsyncIterator[Place]:
    """Servers for one run of benchmarks, in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="anxing-bench-") as folder:
        servers = await asyncio.to_thread(Servers.start, Path(folder) / "data")
        try:
            yield Place(servers.kafka, servers.postgres, Path(folder))
        finally:
            await asyncio.to_thread(servers.stop)


def command(verb: list[str]) -> list[str]:
    """A verb of ours, run by this interpreter's own scripts."""
    return [str(Path(sys.executable).parent / verb[0]), *verb[1:]]


async def run_to_end(verb: list[str], environment: Mapping[str, str]) -> bytes:
    """Run a verb and answer what it printed; raises with its words when it fails."""
    process = await asyncio.create_subprocess_exec(
        *command(verb), env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"{' '.join(verb)} failed: {err.decode()[-2000:]}")
    return out


async def run_floor(module: str, *arguments: object) -> dict[str, Any]:
    """Run a floor, or the other side of it, as a process of its own; answers the JSON it printed."""
    module = module if "." in module else f"floors.{module}"
    result: dict[str, Any] = json.loads(await run_module(f"tests.bench.{module}", os.environ, *arguments))
    return result


async def run_module(module: str, environment: Mapping[str, str], *arguments: object) -> bytes:
    """Run a module of ours to its end; answers the last line that it printed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *map(str, arguments),
        cwd=ROOT, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"{module} failed: {err.decode()[-2000:]}")
    return out.splitlines()[-1]


async def fill(kafka: KafkaSettings, topic: str, records: Iterable[tuple[str, bytes]]) -> int:
    """Put records on a topic, in order of each key; answers how many."""
    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, max_batch_size=FILL_BATCH_BYTES)
    await producer.start()
    batches: dict[int, BatchBuilder] = {}
    count = 0
    try:
        partitions = len(await producer.partitions_for(topic))
        for key, value in records:
            number = partition_for(key.encode(), partitions)
            batch = batches.setdefault(number, producer.create_batch())
            while batch.append(key=key.encode(), value=value, timestamp=None) is None:
                await producer.send_batch(batch, topic, partition=number)
                batch = batches[number] = producer.create_batch()
            count += 1
        for number, batch in batches.items():
            await (await producer.send_batch(batch, topic, partition=number))
    finally:
        await producer.stop()
    return count


async def make_topics(kafka: KafkaSettings) -> None:
    await ensure_topics(kafka)


async def _until_ready(port: int, process: asyncio.subprocess.Process, log: Path) -> None:
    deadline = time.monotonic() + SERVICE_READY_SECONDS_MAX
    while time.monotonic() < deadline and process.returncode is None:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET /readyz HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n")
            status = await reader.readline()
            writer.close()
            if b" 200 " in status:
                return
        except OSError:
            pass
        await asyncio.sleep(0.1)
    raise RuntimeError(f"{log.name}: not ready within {SERVICE_READY_SECONDS_MAX} s")
