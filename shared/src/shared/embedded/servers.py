"""Both servers of one data directory: found or started, ready, and ended again as far as they are ours."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from shared.embedded import logfiles, ports
from shared.embedded.directory import DataDirectory, read_json, write_json
from shared.embedded.errors import CalledOffError, EmbeddedError, NotReadyError, PortTakenError
from shared.embedded.kafka import Kafka
from shared.embedded.launch import READY_SECONDS_MAX, PortLostError
from shared.embedded.ports import LOOPBACK
from shared.embedded.postgres import Postgres
from shared.embedded.processes import ProcessMark, end, poll
from shared.embedded.running import Running, Server

# Between our look at a port and the server's another program may take it; thrice in a row is no accident.
PORT_TRIES_MAX = 3
PORT_FREED_SECONDS_MAX = 5.0


class _Under(threading.Event):
    """Also set when the one above is: what calls off one start does not call off all later ones."""

    def __init__(self, above: threading.Event) -> None:
        super().__init__()
        self._above = above

    def is_set(self) -> bool:
        return super().is_set() or self._above.is_set()

    def wait(self, timeout: float | None = None) -> bool:
        return super().wait(timeout) or self._above.is_set()


@dataclass(frozen=True, slots=True)
class Held:
    """A running server and whether it is ours to end."""

    server: Server
    running: Running
    owned: bool


class Servers:
    """A Kafka and a PostgreSQL that are ready, and the right to end those that this process started."""

    def __init__(self, directory: DataDirectory, kafka: Held | str, postgres: Held | str) -> None:
        self.data = directory.path
        self.kafka = kafka if isinstance(kafka, str) else f"{LOOPBACK}:{kafka.running.port}"
        self.postgres = (
            postgres if isinstance(postgres, str) else Postgres(directory).url(postgres.running.port)
        )
        self._directory = directory
        self._held: Sequence[Held] = [held for held in (kafka, postgres) if isinstance(held, Held)]
        self._ending = threading.Event()
        self._one_at_a_time = threading.Lock()

    @classmethod
    def start(
        cls,
        data: Path,
        *,
        kafka_port: int | None = None,
        postgres_port: int | None = None,
        given_kafka: str | None = None,
        given_postgres: str | None = None,
        on_download: Callable[[], None] = lambda: None,
        cancelled: threading.Event | None = None,
    ) -> Self:
        """Finds or starts both servers of a data directory, side by side; answers when clients can connect.

        Servers whose starter still lives are used and not owned; those whose starter was killed become ours.
        Without a port they get the one they had, the usual one, or any free one. A server with a given
        address is used from there and not started. `on_download` is called before Kafka is fetched for the
        first time; setting `cancelled` from another thread calls the start off. Raises EmbeddedError.
        """
        directory = DataDirectory(data)
        directory.prepare()
        wanted: list[tuple[Server, int | None]] = []
        if given_kafka is None:
            wanted.append((Kafka(directory, on_download), kafka_port))
        if given_postgres is None:
            wanted.append((Postgres(directory), postgres_port))
        held = iter(_hold(directory, wanted, cancelled or threading.Event()))
        return cls(directory, given_kafka or next(held), given_postgres or next(held))

    @property
    def owned(self) -> tuple[str, ...]:
        """Names of the servers that `stop` ends."""
        return tuple(held.server.name for held in self._held if held.owned)

    @property
    def marks(self) -> dict[str, ProcessMark]:
        """The process of each server that runs on the data directory."""
        return {held.server.name: held.running.mark for held in self._held}

    def revive(self) -> list[str]:
        """Starts servers of ours again that ended by themselves, on the same ports; answers their names.

        Raises EmbeddedError; it can be tried again.
        """
        with self._one_at_a_time:
            ended = [held for held in self._held if held.owned and not held.running.mark.alive()]
            if not ended or self._ending.is_set():
                return []
            for held in ended:
                # The last threads of a killed server keep its port for a moment.
                poll(partial(ports.is_free, held.running.port), PORT_FREED_SECONDS_MAX, self._ending)
            wanted = [(held.server, held.running.port) for held in ended]
            again = _hold(self._directory, wanted, _Under(self._ending))
            self._held = [held for held in self._held if held not in ended] + again
            return [held.server.name for held in ended]

    def stop(self) -> None:
        """Ends the servers that are ours and nothing else; calls off a `revive` that is under way."""
        self._ending.set()
        with self._one_at_a_time:
            _end_all([held for held in self._held if held.owned])
            self._held = [held for held in self._held if not held.owned]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.stop()


def stop_found(data: Path) -> list[str]:
    """Ends the servers of a data directory whose starter is gone; answers their names."""
    directory = DataDirectory(data)
    if not directory.path.exists():
        return []
    ended = []
    with directory.locked():
        records = read_json(directory.servers)
        for server in (Kafka(directory, lambda: None), Postgres(directory)):
            running = server.find()
            if running is not None and not _starter_lives(records, server):
                end(running.mark, server.stop_signal, server.stop_seconds)
                ended.append(server.name)
    return ended


def living(data: Path) -> dict[str, Running]:
    """The servers that run on a data directory now, whoever started them."""
    directory = DataDirectory(data)
    candidates: tuple[Server, ...] = (Kafka(directory, lambda: None), Postgres(directory))
    found = {server.name: server.find() for server in candidates}
    return {name: running for name, running in found.items() if running is not None}


def _hold(
    directory: DataDirectory, wanted: Sequence[tuple[Server, int | None]], cancelled: threading.Event
) -> list[Held]:
    """Finds or starts the wanted servers under the start lock, and notes whose they are."""
    if not wanted:
        return []
    with directory.locked(cancelled), directory.explained():
        records = read_json(directory.servers)
        held = _hold_all(wanted, records, cancelled)
        write_json(directory.servers, records | {each.server.name: _record(each, records) for each in held})
    return held


def _hold_all(
    wanted: Sequence[tuple[Server, int | None]], records: dict[str, object], cancelled: threading.Event
) -> list[Held]:
    def hold(server: Server, port: int | None) -> Held:
        try:
            return _hold_one(server, port, records, cancelled)
        except BaseException:
            # The other server need not finish a start that will be undone.
            cancelled.set()
            raise

    with ThreadPoolExecutor(len(wanted)) as side_by_side:
        started = [side_by_side.submit(hold, server, port) for server, port in wanted]
        try:
            # Waits for all, also after a failure: nothing may start behind our back.
            errors = [error for each in started if (error := each.exception()) is not None]
        except BaseException:
            cancelled.set()
            raise
        finally:
            if cancelled.is_set():
                _end_all(
                    [each.result() for each in started if each.exception() is None and each.result().owned]
                )
    if errors:
        raise next((error for error in errors if not isinstance(error, CalledOffError)), errors[0])
    return [each.result() for each in started]


def _hold_one(
    server: Server, port: int | None, records: dict[str, object], cancelled: threading.Event
) -> Held:
    running = server.find()
    if running is None:
        return Held(server, _started(server, port, records, cancelled), owned=True)
    if port is not None and port != running.port:
        raise EmbeddedError(
            f"{server.title} of this data directory already runs on port {running.port}, not {port}: "
            "end it first with `anxing down`, or leave the port out"
        )
    if not poll(lambda: server.answers(running) or not running.mark.alive(), READY_SECONDS_MAX, cancelled):
        raise NotReadyError(
            server.title,
            "runs and does not answer",
            server.log,
            logfiles.telling_line(logfiles.written_since(server.log, 0)),
        )
    if not running.mark.alive():
        return Held(server, _started(server, port, records, cancelled), owned=True)
    return Held(server, running, owned=not _starter_lives(records, server))


def _started(
    server: Server, port: int | None, records: dict[str, object], cancelled: threading.Event
) -> Running:
    wished = _entry(records, server).get("port")
    for _ in range(PORT_TRIES_MAX):
        try:
            return server.start(port, wished if isinstance(wished, int) else None, cancelled)
        except PortLostError:
            if port is not None:
                raise PortTakenError(server.title, port) from None
    raise EmbeddedError(
        f"{server.title} lost {PORT_TRIES_MAX} ports in a row to other programs: give one explicitly"
    )


def _end_all(held: Sequence[Held]) -> None:
    if held:
        with ThreadPoolExecutor(len(held)) as side_by_side:
            for each in held:
                side_by_side.submit(end, each.running.mark, each.server.stop_signal, each.server.stop_seconds)


def _record(held: Held, records: dict[str, object]) -> dict[str, object]:
    me = ProcessMark.mine()
    starter = (
        {"pid": me.pid, "started": me.started} if held.owned else _entry(records, held.server).get("starter")
    )
    return {"pid": held.running.mark.pid, "port": held.running.port, "starter": starter}


def _starter_lives(records: dict[str, object], server: Server) -> bool:
    starter = _entry(records, server).get("starter")
    if not isinstance(starter, dict):
        return False
    return ProcessMark(int(starter["pid"]), float(starter["started"])).alive()


def _entry(records: dict[str, object], server: Server) -> dict[str, object]:
    entry = records.get(server.name)
    return entry if isinstance(entry, dict) else {}
