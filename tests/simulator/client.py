"""The client's side of the simulated database: what asyncpg does for the engine, and how it fails.

A request and its answer travel apart, each for a drawn time; either may be lost with the connection. Who
stops waiting does not stop the server.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import asyncpg

from tests.simulator.loop import Actor, SimulatedLoop
from tests.simulator.server import Ended, Server, Session
from tests.simulator.sql import UnknownSql
from tests.simulator.statements import Answer, perform
from tests.simulator.weather import Weather

COMMAND_TIMEOUT_SECONDS = 10.0

Work = Callable[[Session], Awaitable[Any]]


class Network:
    """What lies between one process and the database server."""

    def __init__(
        self,
        loop: SimulatedLoop,
        process: Actor,
        server: Server,
        weather: Weather,
        broken: Callable[[BaseException], None],
    ) -> None:
        """`broken` ends the run: the simulation itself is at fault."""
        self.loop = loop
        self.process = process
        self.server = server
        self.weather = weather
        self.broken = broken
        self.connections: list[Connection] = []
        self.fates: list[str] = []
        """What is going to happen to the next commits, each once."""

    def vanish(self) -> None:
        """The process was killed: its connections break, or the server never hears of it."""
        for connection in self.connections:
            connection.abandon(heard=self.weather.chance.random() < 0.8)
        self.connections.clear()


class Connection:
    """One connection, one request at a time."""

    def __init__(self, network: Network, session: Session) -> None:
        self._network = network
        self._session = session
        self._closed = False
        self._mute = False
        self._open = False
        self._answer: asyncio.Future[Any] | None = None
        self._owed: asyncio.Future[None] | None = None
        self._listeners: list[Callable[[Connection], None]] = []
        session.on_end = self._on_end
        network.connections.append(self)

    # -- what asyncpg offers --

    def is_closed(self) -> bool:
        return self._closed

    def is_in_transaction(self) -> bool:
        return self._open

    def add_termination_listener(self, listener: Callable[["Connection"], None]) -> None:
        self._listeners.append(listener)

    async def add_listener(self, channel: str, callback: Callable[..., None]) -> None:
        network, session = self._network, self._session

        def hear() -> None:
            if not self._closed and not self._mute:
                callback(self, session.pid, channel, "")

        async def listen(_: Session) -> None:
            session.on_notice = lambda: network.loop.later(network.process, network.weather.delay(), hear)

        await self.run(listen)

    def transaction(self) -> "Transaction":
        return Transaction(self)

    async def execute(self, query: str, *args: Any) -> str:
        return (await self._statement(query, args)).status

    async def fetch(self, query: str, *args: Any) -> list[Any]:
        return (await self._statement(query, args)).rows

    async def copy_records_to_table(
        self, table: str, *, records: Sequence[Sequence[Any]], columns: Sequence[str]
    ) -> str:
        names = ", ".join(columns)
        return await self.execute(
            f"INSERT INTO {table} ({names}) SELECT * FROM unnest()", *zip(*records, strict=True)
        )

    async def fetchrow(self, query: str, *args: Any) -> Any:
        rows = (await self._statement(query, args)).rows
        return rows[0] if rows else None

    async def fetchval(self, query: str, *args: Any) -> Any:
        row = await self.fetchrow(query, *args)
        return None if row is None else row[0]

    def terminate(self) -> None:
        if not self._closed:
            self.abandon(heard=True)
            self._over(asyncpg.ConnectionDoesNotExistError("connection was closed"))

    async def close(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - it is asyncpg's
        if not self._closed:
            async with asyncio.timeout(timeout):
                await asyncio.sleep(self._network.weather.delay())
            self.terminate()

    # -- what the scenarios use --

    async def run(self, work: Work) -> Any:
        """A statement that is not SQL: rows are read and written by `work`, on the server."""
        return await self.ask("statement", lambda session: session.perform(work))

    # -- inside --

    async def _statement(self, query: str, args: Sequence[Any]) -> Answer:
        async def work(session: Session) -> Answer:
            return await perform(session, query, args)

        answer: Answer = await self.run(work)
        return answer

    async def ask(self, kind: str, work: Work) -> Any:
        """Send a request and wait for its answer."""
        network = self._network
        while self._owed is not None:
            # As asyncpg: the next request waits until the one that was broken off has ended.
            await asyncio.shield(self._owed)
        if self._closed:
            raise asyncpg.InterfaceError("connection is closed")
        if self._answer is not None:
            raise asyncpg.InterfaceError("cannot perform operation: another operation is in progress")
        self._answer = answer = network.loop.create_future()
        if not self._mute:
            network.server.later(network.weather.delay(), self._arrive, kind, work, answer)
        timer = network.loop.call_later(COMMAND_TIMEOUT_SECONDS, _late, answer)
        try:
            return await answer
        except (asyncio.CancelledError, TimeoutError) as broken_off:
            if not self._closed and (answer.cancelled() or isinstance(broken_off, TimeoutError)):
                self._owed = network.loop.create_future()
                network.server.later(network.weather.delay(), self._session.interrupt)
                network.loop.call_later(COMMAND_TIMEOUT_SECONDS, self._unacknowledged, self._owed)
            raise
        finally:
            timer.cancel()
            self._answer = None

    def _arrive(self, kind: str, work: Work, answer: asyncio.Future[Any]) -> None:
        session, weather = self._session, self._network.weather
        if not session.alive or self._mute:
            return
        if weather.strikes(weather.mute, "mute connections"):
            self._mute = True
            return
        fate = self._network.fates.pop() if kind == "commit" and self._network.fates else None
        if fate is None and kind == "commit" and weather.strikes(weather.commit, "troubled commits"):
            fate = weather.chance.choice(["before", "after", "slow", "fails"])
        if fate is None and weather.strikes(weather.cut, "cut connections"):
            fate = weather.chance.choice(["before", "after"])
        if fate == "before":
            session.end(_cut())
            return
        session.busy = True
        if kind == "commit" and fate is None and weather.strikes(weather.hollow, "hollow commits"):
            # As after an error that somebody has swallowed: the answer says ROLLBACK, and no driver looks.
            work = Session.roll_back
        self._network.server.spawn(self._serve(_failing if fate == "fails" else work, answer, fate), kind)

    async def _serve(self, work: Work, answer: asyncio.Future[Any], fate: str | None) -> None:
        session, weather = self._session, self._network.weather
        if fate == "slow":
            # The client loses its connection now; the server goes on, and commits when it comes to it.
            self._tell(_cut())
            session.orphaned = True
            await asyncio.sleep(weather.chance.choice([0.01, 0.5, 3.0, 8.0]))
        if not session.alive:
            return
        result, error = None, None
        try:
            result = await work(session)
        except Ended:
            return
        except UnknownSql as unknown:
            self._network.broken(unknown)
            return
        except Exception as raised:  # noqa: BLE001 - travels to the client, as every error of a server does
            error = raised
        session.busy = False
        session.rest()
        if session.orphaned or fate == "after":
            session.end(_cut())
            return
        self._network.loop.later(
            self._network.process, weather.delay(), self._hear, answer, result, error, session.open
        )

    def _hear(self, answer: asyncio.Future[Any], result: Any, error: Exception | None, open_: bool) -> None:
        if self._closed or self._mute:
            return
        self._open = open_
        if answer.done():
            self._settle()
        elif error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(result)

    def _on_end(self, reason: Exception) -> None:
        self._tell(reason)

    def _tell(self, reason: Exception) -> None:
        if not self._mute:
            network = self._network
            network.loop.later(network.process, network.weather.delay(), self._over, reason)

    def _over(self, reason: Exception) -> None:
        if self._closed:
            return
        self._closed = True
        self._open = False
        if self in self._network.connections:
            self._network.connections.remove(self)
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(reason)
        self._settle()
        for listener in self._listeners:
            self._network.loop.call_soon(listener, self)

    def _unacknowledged(self, owed: asyncio.Future[None]) -> None:
        # As asyncpg: nobody knows what the server is still doing for this connection.
        if not owed.done():
            self.terminate()

    def _settle(self) -> None:
        owed, self._owed = self._owed, None
        if owed is not None and not owed.done():
            owed.set_result(None)

    def abandon(self, *, heard: bool) -> None:
        """This end is gone. If the server hears of it, it ends the session, after what it is doing."""
        if heard and not self._mute:
            self._network.server.later(self._network.weather.delay(), self._hang_up)
        else:
            self._mute = True

    def _hang_up(self) -> None:
        if self._session.busy:
            self._session.orphaned = True
        else:
            self._session.end(_cut())


class Transaction:
    """An explicit transaction on a connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def start(self) -> None:
        await self._connection.ask("begin", Session.begin)

    async def commit(self) -> None:
        await self._connection.ask("commit", Session.commit)

    async def rollback(self) -> None:
        await self._connection.ask("rollback", Session.roll_back)

    async def __aenter__(self) -> None:
        await self.start()

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        await (self.commit() if kind is None else self.rollback())


async def _failing(session: Session) -> None:
    """A COMMIT that the server answers with an error."""
    await session.roll_back()
    raise asyncpg.SerializationError("could not serialize access")


def _cut() -> Exception:
    return asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")


def _late(answer: asyncio.Future[Any]) -> None:
    if not answer.done():
        answer.set_exception(TimeoutError())
