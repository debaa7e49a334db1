"""A database server as far as the engine can tell: sessions, row locks, transactions, and how it all ends.

READ COMMITTED: a statement sees what is committed, and what its own transaction has written. What a
transaction writes is locked until its end. Sessions end with their connection, by another session's wish,
when the server dies, and after a minute of idleness in a transaction; always without a trace.
"""

import asyncio
import itertools
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from tests.simulator.loop import Actor, SimulatedLoop
from tests.simulator.sql import Moment
from tests.simulator.weather import Weather

IDLE_IN_TRANSACTION_SECONDS = 60.0
# Locks are held until a commit has reached the disk.
SYNC_SECONDS = (0.0, 0.0, 0.001, 0.02)

Place = tuple[str, Any]
"""A row by the table's name and its key."""


class Ended(Exception):  # noqa: N818 - names what happened, as in shared.runtime
    """The session is over: whatever it was doing stops."""


class Tables:
    """What is committed, and what it was before each commit."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[Any, Any]] = defaultdict(dict)
        self._before: list[list[tuple[str, Any, Any]]] = []
        self.watch: Callable[[str, Any, Any], None] | None = None
        """Looks at each row that changes: table, the row before, the row after."""

    def commit(self, changes: dict[Place, Any]) -> None:
        """Rows by place, None for one that is deleted."""
        if not changes:
            return
        before = []
        for (table, key), row in changes.items():
            rows = self.rows[table]
            before.append((table, key, rows.get(key)))
            if self.watch is not None:
                self.watch(table, rows.get(key), row)
            if row is None:
                rows.pop(key, None)
            else:
                rows[key] = row
        self._before.append(before)

    @property
    def commits(self) -> int:
        """How many there were."""
        return len(self._before)

    def go_back(self, commits: int) -> list[tuple[str, Any, Any]]:
        """Lose the last commits, as a stand-by that had not received them; answers the rows that are lost."""
        lost = []
        for _ in range(min(commits, len(self._before))):
            for table, key, row in reversed(self._before.pop()):
                lost.append((table, key, self.rows[table].get(key)))
                if row is None:
                    self.rows[table].pop(key, None)
                else:
                    self.rows[table][key] = row
        return lost


class Session:
    """The server's side of one connection."""

    def __init__(self, server: "Server", pid: int, started: datetime) -> None:
        self._server = server
        self.pid = pid
        self.started = started
        self.alive = True
        self.open = False
        """In a transaction that was begun explicitly."""
        self.failed = False
        self.busy = False
        self.orphaned = False
        """Its client is gone; it ends with what it is doing."""
        self.lock_seconds: float | None = None
        self.on_end: Callable[[Exception], None] = lambda _: None
        self.on_notice: Callable[[], None] | None = None
        """LISTEN was said."""
        self.waits_for: Session | None = None
        self._waiting: asyncio.Future[None] | None = None
        self._changes: dict[Place, Any] = {}
        self._held: set[Place] = set()
        self._idle_since = 0

    @property
    def moment(self) -> Moment:
        """What a statement can ask for."""
        return Moment(self._server.now, self.pid)

    @property
    def server(self) -> "Server":
        return self._server

    # -- rows --

    def get(self, table: str, key: Any) -> Any:
        """A row as this session sees it, None when there is none."""
        if (table, key) in self._changes:
            return self._changes[table, key]
        return self._server.tables.rows[table].get(key)

    def scan(self, table: str) -> Iterator[tuple[Any, Any]]:
        """All rows of a table as this session sees them, by key and in its order."""
        seen = dict(self._server.tables.rows[table])
        seen.update({key: row for (name, key), row in self._changes.items() if name == table})
        return ((key, row) for key, row in sorted(seen.items()) if row is not None)

    async def lock(self, table: str, key: Any) -> None:
        """Hold a row, there or not, until the transaction ends; raises what a server raises."""
        place = (table, key)
        if place in self._held:
            return
        if place in self._server.holders:
            await self._wait(place)
        if not self.alive:
            raise Ended
        self._server.holders[place] = self
        self._held.add(place)

    def put(self, table: str, key: Any, row: Any) -> None:
        """Write a row that is locked; None deletes it."""
        assert (table, key) in self._held, (table, key)
        self._changes[table, key] = row

    async def _wait(self, place: Place) -> None:
        loop = asyncio.get_running_loop()
        deadline = None if self.lock_seconds is None else loop.time() + self.lock_seconds
        while (holder := self._server.holders.get(place)) is not None:
            self.waits_for = holder
            if self._goes_round():
                self.waits_for = None
                raise asyncpg.DeadlockDetectedError("deadlock detected")
            self._waiting = loop.create_future()
            self._server.queues[place].append(self._waiting)
            timer = deadline and loop.call_at(deadline, _fail, self._waiting, "lock timeout")
            try:
                await self._waiting
            finally:
                if timer:
                    timer.cancel()
                self.waits_for = self._waiting = None

    def _goes_round(self) -> bool:
        other = self.waits_for
        for _ in range(len(self._server.sessions) + 1):
            if other is self:
                return True
            if other is None:
                return False
            other = other.waits_for
        return False

    # -- transactions --

    async def begin(self) -> None:
        self.open, self.failed = True, False

    async def commit(self) -> None:
        """Make everything visible at once; after an error in the transaction nothing is there to be seen."""
        if not self.failed and self._changes:
            await self._server.sync()
            if not self.alive:
                raise Ended
            self._server.tables.commit(self._changes)
            self._server.notify(self._changes)
        self._finish()

    async def roll_back(self) -> None:
        self._finish()

    async def perform(self, statement: Callable[["Session"], Awaitable[Any]]) -> Any:
        """One statement; outside a transaction it is one by itself."""
        assert self.alive
        if self.open and self.failed:
            raise asyncpg.InFailedSQLTransactionError("current transaction is aborted")
        try:
            answer = await statement(self)
        except Exception:
            if self.open:
                self.failed = True
            else:
                self._finish()
            raise
        if not self.open:
            await self.commit()
        return answer

    def interrupt(self) -> None:
        """A client asks to cancel what is running: only what waits can be."""
        if self._waiting is not None:
            _fail(self._waiting, "canceled")

    def end(self, reason: Exception) -> None:
        """Over, at once; uncommitted work is gone, and the client hears of it when the network tells it."""
        if not self.alive:
            return
        self.alive = False
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(Ended())
        self._finish()
        self._server.sessions.pop(self.pid, None)
        self.on_end(reason)

    def rest(self) -> None:
        """Waiting for the client: not for ever while a transaction is open."""
        self._idle_since += 1
        if self.open and self._server.ends_idle:
            self._server.later(IDLE_IN_TRANSACTION_SECONDS, self._end_idle, self._idle_since)

    def _end_idle(self, since: int) -> None:
        if self.alive and self.open and not self.busy and since == self._idle_since:
            self.end(asyncpg.IdleInTransactionSessionTimeoutError("idle in transaction for too long"))

    def _finish(self) -> None:
        self._changes = {}
        self.open = self.failed = False
        held, self._held = self._held, set()
        for place in held:
            del self._server.holders[place]
            for waiting in self._server.queues.pop(place, ()):
                if not waiting.done():
                    waiting.set_result(None)


class Server:
    """One database server; `up` False: nobody can connect."""

    def __init__(
        self,
        loop: SimulatedLoop,
        actor: Actor,
        weather: Weather,
        *,
        ends_idle: bool,
        calendar: tuple[datetime, float],
    ) -> None:
        """`ends_idle`: sessions that are idle in a transaction for too long are ended.

        `calendar`: when the run begins, and how many seconds of wall time pass in one of its own.
        """
        self._loop = loop
        self._begin, self._pace = calendar
        self._ids = itertools.count(1)
        self._actor = actor
        self._weather = weather
        self.ends_idle = ends_idle
        self._pids = itertools.count(100)
        self.tables = Tables()
        self.remembers_outbox = False
        """Keep what was written to the outbox in a table `told`."""
        self.up = True
        self.sessions: dict[int, Session] = {}
        self.holders: dict[Place, Session] = {}
        self.queues: dict[Place, deque[asyncio.Future[None]]] = defaultdict(deque)

    @property
    def now(self) -> datetime:
        """Its clock."""
        return self._begin + timedelta(seconds=self._loop.time() * self._pace)

    @property
    def seconds(self) -> float:
        """Of the simulation."""
        return self._loop.time()

    def later(self, seconds: float, callback: Callable[..., object], *args: Any) -> None:
        """The server does something by itself."""
        self._loop.later(self._actor, seconds, callback, *args)

    async def sync(self) -> None:
        """Wait until what was written is on the disk."""
        if seconds := self._weather.chance.choice(SYNC_SECONDS):
            await asyncio.sleep(seconds)

    def identity(self) -> int:
        """The next number of a sequence, which no rollback gives back."""
        return next(self._ids)

    def notify(self, changes: Mapping[Place, Any]) -> None:
        """What triggers do: new rows of work are told to all who listen."""
        if any(table == "work" and row is not None for (table, _), row in changes.items()):
            for session in self.sessions.values():
                if session.on_notice is not None:
                    session.on_notice()

    def spawn(self, work: Any, name: str) -> None:
        """The server works on something."""
        self._loop.spawn(self._actor, work, name)

    def connect(self) -> Session:
        """A new session; ConnectionRefusedError while the server is down."""
        if not self.up:
            raise ConnectionRefusedError("the server is down")
        session = Session(self, next(self._pids), self.now)
        self.sessions[session.pid] = session
        return session

    def terminate(self, pid: int) -> bool:
        """What `pg_terminate_backend` does."""
        session = self.sessions.get(pid)
        if session is None:
            return False
        session.end(asyncpg.AdminShutdownError("terminating connection due to administrator command"))
        return True

    def crash(self) -> None:
        """All sessions end; what was committed is there when it is up again."""
        self.up = False
        for session in list(self.sessions.values()):
            session.end(asyncpg.CrashShutdownError("terminating connection because of a crash"))

    def recover(self, *, first_pid: int | None = None) -> None:
        """It answers again; pids may come again with it."""
        self.up = True
        if first_pid is not None:
            self._pids = itertools.count(first_pid)


def _fail(waiting: asyncio.Future[None], reason: str) -> None:
    if not waiting.done():
        waiting.set_exception(
            asyncpg.LockNotAvailableError("canceling statement due to lock timeout")
            if reason == "lock timeout"
            else asyncpg.QueryCanceledError("canceling statement due to user request")
        )
