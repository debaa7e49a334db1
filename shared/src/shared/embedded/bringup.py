"""Brings the whole system up in order, and at the end down in the opposite order."""

import asyncio
import contextlib
import fcntl
import os
import shutil
import threading
from asyncio.subprocess import DEVNULL, STDOUT
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path

from shared.embedded import logfiles
from shared.embedded.credential import ACCEPTED_SECONDS_MAX, accepted_by_all, issue
from shared.embedded.databases import ensure_databases
from shared.embedded.directory import DataDirectory
from shared.embedded.errors import EmbeddedError
from shared.embedded.runfile import Run
from shared.embedded.servers import Servers, stop_found
from shared.embedded.services import NAMES, Replica, command, environment, plan
from shared.embedded.settings import InstallationSettings
from shared.embedded.supervisor import Supervisor
from shared.embedded.system import Reporter, RunningSystem, Wishes, end_left_over
from shared.runtime.errors import StartupError
from shared.runtime.settings import load
from shared.runtime.topics import ensure_topics


@contextlib.asynccontextmanager
async def started(wishes: Wishes, report: Reporter) -> AsyncIterator[RunningSystem]:
    """Brings everything up and, at the end of the block, down again. StartupError with one sentence."""
    settings = load(InstallationSettings)
    if wishes.fresh and (settings.given_kafka or settings.postgres.url):
        raise StartupError("--fresh empties servers of our own only: the ones at given addresses are yours.")
    directory = DataDirectory(wishes.data)
    directory.prepare()
    with _alone(directory):
        await asyncio.to_thread(end_left_over, directory)
        if wishes.fresh:
            await asyncio.to_thread(_empty, directory)
        with directory.explained():
            _ensure_key(directory.notify_key)
        async with contextlib.AsyncExitStack() as ending:
            servers = await _servers(wishes, settings, report)
            ending.push_async_callback(asyncio.to_thread, servers.stop)
            kafka = settings.kafka.model_copy(update={"bootstrap": servers.kafka})
            with report.step("数据库、主题"):
                postgres, _ = await asyncio.gather(_databases(servers, directory), ensure_topics(kafka))
            replicas = plan(wishes.replicas, servers.kafka, postgres, directory)
            run = _run(directory, servers, postgres, replicas)
            supervisor = Supervisor(replicas, report.say)
            system = RunningSystem(directory.path, run, servers, supervisor)
            ending.push_async_callback(_forget, directory, run)
            ending.push_async_callback(supervisor.stop)
            with report.step("服务"):
                told = environment("intake", servers.kafka, postgres["intake"], directory)
                _, run.credential = await asyncio.gather(supervisor.start(), _key(run.credential, told))
                run.credential = await _accepted(run.credential, replicas, told)
            supervisor.on_change = system.note
            system.note()
            yield system


async def _servers(wishes: Wishes, settings: InstallationSettings, report: Reporter) -> Servers:
    cancelled = threading.Event()
    starting = asyncio.ensure_future(
        asyncio.to_thread(
            Servers.start,
            wishes.data,
            kafka_port=wishes.kafka_port,
            postgres_port=wishes.postgres_port,
            given_kafka=settings.given_kafka,
            given_postgres=settings.postgres.url,
            on_download=lambda: report.say("首次启动：正在获取 Kafka（约 50 MB，仅此一次）"),
            cancelled=cancelled,
        )
    )
    with report.step("Kafka、PostgreSQL"):
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            # A thread cannot be cancelled: it is told, and what it started is ended.
            cancelled.set()
            with contextlib.suppress(EmbeddedError):
                (await starting).stop()
            raise


async def _databases(servers: Servers, directory: DataDirectory) -> dict[str, str]:
    urls = await ensure_databases(servers.postgres, NAMES)
    await asyncio.gather(*(_migrate(name, servers.kafka, urls[name], directory) for name in NAMES))
    return urls


async def _migrate(service: str, kafka: str, url: str, directory: DataDirectory) -> None:
    log = directory.logs / f"{service}-migrate.log"
    offset = logfiles.size_of(log)
    with log.open("ab") as file:
        process = await asyncio.create_subprocess_exec(
            *command(service, "migrate"),
            env=environment(service, kafka, url, directory),
            stdin=DEVNULL,
            stdout=file,
            stderr=STDOUT,
        )
        code = await process.wait()
    if code != 0:
        last = logfiles.telling_line(logfiles.written_since(log, offset))
        raise EmbeddedError(f"`{service} migrate` failed, see {log}; its last line: {last}")


async def _key(kept: str, told: Mapping[str, str]) -> str:
    return kept or await issue(told)


async def _accepted(credential: str, replicas: Sequence[Replica], told: Mapping[str, str]) -> str:
    """A key that every service takes: the kept one, or a new one when Kafka was emptied or it has ended."""
    addresses = [(replica.service, replica.url) for replica in replicas]
    if await accepted_by_all(credential, addresses, seconds=2.0):
        return credential
    credential = await issue(told)
    if not await accepted_by_all(credential, addresses, seconds=ACCEPTED_SECONDS_MAX):
        raise EmbeddedError("The services do not accept the key that intake issued: see their logs")
    return credential


def _run(
    directory: DataDirectory, servers: Servers, postgres: Mapping[str, str], replicas: Sequence[Replica]
) -> Run:
    first = {replica.service: replica.url for replica in replicas if replica.number == 1}
    return Run(
        intake=first["intake"],
        scoring=first["scoring"],
        notify=first["notify"],
        kafka=servers.kafka,
        postgres=dict(postgres),
        credential=Run.read(directory.run).credential,
        replicas={replica.name: replica.url for replica in replicas},
    )


async def _forget(directory: DataDirectory, run: Run) -> None:
    """What ended is no longer named; addresses and key stay for the next start."""
    run.note({})
    run.write(directory.run)


@contextlib.contextmanager
def _alone(directory: DataDirectory) -> Iterator[None]:
    """One system at a time on a data directory; the kernel frees the lock when its holder ends in any way."""
    with directory.explained(), (directory.path / "up.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise EmbeddedError(
                f"Another `anxing up` works in {directory.path}: use it, end it with `anxing down`, "
                "or give another --data directory"
            ) from None
        yield


def _ensure_key(path: Path) -> None:
    """The key that seals secrets of receivers in notify's database: made once, needed while that lives."""
    if not path.exists():
        fresh = path.with_name(f".{path.name}")
        fresh.unlink(missing_ok=True)
        fresh.touch(mode=0o600)
        fresh.write_bytes(b64encode(os.urandom(32)))
        fresh.replace(path)


def _empty(directory: DataDirectory) -> None:
    stop_found(directory.path)
    for name in ("kafka", "postgres", "postgres.new", "notices", "logs"):
        shutil.rmtree(directory.path / name, ignore_errors=True)
    for name in ("postgres.password", "notify.key", "servers.json", "run.json"):
        (directory.path / name).unlink(missing_ok=True)
    directory.prepare()
