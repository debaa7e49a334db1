"""The statements of `shared.runtime`, carried out by the simulated server as their text says.

Forms are recognised, conditions and values are evaluated from the text. What fits no form ends the run.
"""

import json
import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, Self

import asyncpg
from shared.runtime import cursor, parking
from shared.runtime.outbox import rows as outbox

from tests.simulator.outcomes import Told
from tests.simulator.server import Session
from tests.simulator.sql import Row, UnknownSql, assignments, expression, names


class Answer(NamedTuple):
    """Rows of a statement, and what a driver calls its status."""

    rows: list["Record"]
    status: str


class Record(tuple[Any, ...]):  # noqa: SLOT001 - a tuple of any length cannot have any
    """A row of an answer, by place and by name."""

    names: tuple[str, ...]

    def __new__(cls, names: tuple[str, ...], values: Sequence[Any]) -> Self:
        made = super().__new__(cls, values)
        made.names = names
        return made

    def __getitem__(self, place):
        return super().__getitem__(self.names.index(place) if isinstance(place, str) else place)

    def values(self) -> tuple[Any, ...]:
        return tuple(self)


class Table(NamedTuple):
    """What a DDL says: the key, and what columns are when nothing is said."""

    key: tuple[str, ...]
    defaults: dict[str, str]


def table_of(ddl: str) -> tuple[str, Table]:
    """Name and shape of the table that a DDL makes."""
    name = re.search(r"CREATE TABLE (\w+)", ddl)
    key = re.search(r"PRIMARY KEY \(([^)]*)\)", ddl)
    assert name is not None
    assert key is not None
    columns = re.findall(r'^    "?([a-z_]+)"? [a-z]+.*?(?: DEFAULT (\S+?))?,?$', ddl, re.MULTILINE)
    return name[1], Table(names(key[1]), {column: default or "NULL" for column, default in columns})


CONSTANTS = {"true": True, "false": False}
TABLES = dict(table_of(ddl) for ddl in (cursor.DDL, outbox.DDL, parking.DDL))

Form = Callable[[Session, re.Match[str], Sequence[Any]], Awaitable[Answer]]
OTHERS: dict[str, Form] = {}
"""Statements of a service that are carried out by hand, by their text without needless blanks."""
UNNEST = r"unnest\((?:[^()]|\(\))*\)"


async def perform(session: Session, text: str, args: Sequence[Any]) -> Answer:
    """One statement; raises what a server raises, UnknownSql for what this one does not know."""
    form, found = _recognised(text)
    return await form(session, found, args)


def plain_text(text: str) -> str:
    """A statement without line breaks."""
    return " ".join(text.split())


@lru_cache(maxsize=1024)
def _recognised(text: str) -> tuple[Form, re.Match[str]]:
    plain = plain_text(text)
    if plain in OTHERS:
        found = re.fullmatch(".*", plain)
        assert found is not None
        return OTHERS[plain], found
    for pattern, form in FORMS:
        found = re.fullmatch(pattern, plain)
        if found is not None:
            return form, found
    raise UnknownSql(plain)


def _unnested(columns: str, args: Sequence[Any]) -> Iterator[Row]:
    return (dict(zip(names(columns), row, strict=True)) for row in zip(*args, strict=False))


def _answer(returning: str | None, alias: str, rows: list[dict[str, Row]], session: Session, status: str):
    if not returning:
        return Answer([], status)
    columns = names(returning)
    values = [expression(part, alias) for part in returning.split(",")]
    moment = session.moment
    return Answer([Record(columns, [value(row, (), moment) for value in values]) for row in rows], status)


async def _insert(session: Session, found: re.Match[str], args: Sequence[Any]) -> Answer:
    name, alias, columns = found["table"], found["alias"] or found["table"], names(found["columns"])
    table, moment = TABLES[name], session.moment
    if found["values"]:
        values = [expression(part) for part in found["values"].split(",")]
        given = [[value({}, args, moment) for value in values]]
    else:
        constants = [CONSTANTS[part.strip()] for part in found["more"].split(",")[1:]]
        given = [(*row, *constants) for row in zip(*args, strict=True)]
    written: list[dict[str, Row]] = []
    condition = expression(found["condition"], alias) if found["condition"] else None
    for row in given:
        fresh = {c: expression(default)({}, (), moment) for c, default in table.defaults.items()}
        fresh.update(zip(columns, row, strict=True))
        key = tuple(fresh[column] for column in table.key)
        await session.lock(name, key)
        old = session.get(name, key)
        if old is not None:
            if found["nothing"]:
                continue
            if not found["sets"]:
                raise asyncpg.UniqueViolationError(f"{name} {key}")
            both = {alias: old, "excluded": fresh}
            if condition is not None and not condition(both, args, moment):
                continue
            sets = assignments(found["sets"], alias)
            fresh = {**old, **{column: value(both, args, moment) for column, value in sets}}
        session.put(name, key, fresh)
        if name == "outbox" and session.server.remembers_outbox:
            await _remember(session, fresh)
        written.append({alias: fresh})
    return _answer(found["returning"], alias, written, session, f"INSERT 0 {len(written)}")


async def _remember(session: Session, row: dict[str, Any]) -> None:
    """What was decided to announce, for whoever judges the run: rows of the outbox are deleted."""
    place = (row["partition"], row["incarnation"], row["seq"])
    cause = json.loads(row["headers"])["cause-id"]
    await session.lock("told", place)
    session.put("told", place, Told(cause, row["value"], session.server.seconds))


async def _update_from(session: Session, found: re.Match[str], args: Sequence[Any]) -> Answer:
    """Rows that a list of values names: each is locked and looked at again before it is changed."""
    name, alias, other = found["table"], found["alias"], found["other"]
    where, sets = expression(found["where"], alias), assignments(found["sets"], alias)
    changed = 0
    for wanted in _unnested(found["columns"], args[int(found["first"]) - 1 :]):
        for key, row in list(session.scan(name)):
            if not where({alias: row, other: wanted}, args, session.moment):
                continue
            await session.lock(name, key)
            now = session.get(name, key)
            both = {alias: now, other: wanted}
            if now is None or not where(both, args, session.moment):
                continue
            values = {column: value(both, args, session.moment) for column, value in sets}
            session.put(name, key, {**now, **values})
            changed += 1
    return Answer([], f"UPDATE {changed}")


async def _update(session: Session, found: re.Match[str], args: Sequence[Any]) -> Answer:
    name = found["table"]
    where, sets = expression(found["where"], name), assignments(found["sets"], name)
    changed = 0
    for key, row in list(session.scan(name)):
        if not where({name: row}, args, session.moment):
            continue
        await session.lock(name, key)
        now = session.get(name, key)
        if now is None or not where({name: now}, args, session.moment):
            continue
        values = {column: value({name: now}, args, session.moment) for column, value in sets}
        session.put(name, key, {**now, **values})
        changed += 1
    return Answer([], f"UPDATE {changed}")


async def _delete(session: Session, found: re.Match[str], args: Sequence[Any]) -> Answer:
    name, alias, other = found["table"], found["alias"], found["other"]
    where = expression(found["where"], alias)
    wanted = list(_unnested(found["columns"], args))
    deleted = 0
    for key, row in list(session.scan(name)):
        if any(where({alias: row, other: each}, args, session.moment) for each in wanted):
            await session.lock(name, key)
            now = session.get(name, key)
            # Whoever held it may have changed it.
            if now is not None and any(
                where({alias: now, other: each}, args, session.moment) for each in wanted
            ):
                session.put(name, key, None)
                deleted += 1
    return Answer([], f"DELETE {deleted}")


async def _advance(session: Session, found: re.Match[str], args: Sequence[Any]) -> Answer:
    """Lock what fits, look again whether it still does, and move it."""
    name, moment = found["table"], session.moment
    join, where = expression(found["join"]), expression(found["where"])
    pairs = [
        (key, {"w": wanted})
        for wanted in _unnested(found["columns"], args)
        for key, row in session.scan(name)
        if join({"c": row, "w": wanted}, args, moment) and where({"c": row, "w": wanted}, args, moment)
    ]
    if found["order"]:
        pairs.sort(key=lambda pair: pair[0])
    held = []
    for key, pair in pairs:
        if found["lock"]:
            await session.lock(name, key)
        pair["c"] = session.get(name, key)
        if pair["c"] is not None and where(pair, args, moment):
            columns = [part.strip() for part in found["held"].split(",")]
            held.append((key, {c.rpartition(".")[2]: expression(c)(pair, args, moment) for c in columns}))
    moved = []
    sets = assignments(found["sets"], "c")
    for key, values in held:
        await session.lock(name, key)
        both = {"c": session.get(name, key), "h": values}
        fresh = {**both["c"], **{column: value(both, args, moment) for column, value in sets}}
        session.put(name, key, fresh)
        moved.append({"c": fresh, "h": values})
    return _answer(found["returning"], "c", moved, session, f"UPDATE {len(moved)}")


async def _join(session: Session, found: re.Match[str], args: Sequence[Any]) -> Answer:
    on = expression(found["on"])
    rows = [
        {"c": row, "w": wanted}
        for wanted in _unnested(found["columns"], args)
        for _, row in session.scan(found["table"])
        if on({"c": row, "w": wanted}, args, session.moment)
    ]
    return _answer(found["returning"], "c", rows, session, "SELECT")


async def _lateral(session: Session, found: re.Match[str], args: Sequence[Any]) -> Answer:
    name = found["table"]
    where, order = expression(found["where"], name), found["order"]
    limit = expression(found["limit"])({}, args, session.moment)
    rows: list[dict[str, Row]] = []
    for wanted in _unnested(found["columns"], args[:2]):
        fitting = [
            row
            for _, row in session.scan(name)
            if where({name: row, found["other"]: wanted}, args, session.moment)
        ]
        fitting.sort(key=lambda row: row[order])
        rows.extend({"o": row} for row in fitting[:limit])
    rows.sort(key=lambda each: tuple(each["o"][column] for column in names(found["sorted"])))
    return _answer(found["returning"], "o", rows, session, "SELECT")


async def _select(session: Session, found: re.Match[str], args: Sequence[Any]) -> Answer:
    name = found["table"]
    where = expression(found["where"], name)
    rows = [{name: row} for _, row in session.scan(name) if where({name: row}, args, session.moment)]
    return _answer(found["returning"], name, rows, session, "SELECT")


async def _terminate(session: Session, found: re.Match[str], args: Sequence[Any]) -> Answer:
    on, where = expression(found["on"]), expression(found["where"])
    ended = []
    for _, row in session.scan("input_cursor"):
        for other in list(session.server.sessions.values()):
            both = {"c": row, "a": {"pid": other.pid, "backend_start": other.started}}
            if on(both, args, session.moment) and where(both, args, session.moment):
                ended.append(Record(("ended",), [session.server.terminate(other.pid)]))
    return Answer(ended, "SELECT")


async def _whoami(session: Session, _found: re.Match[str], _args: Sequence[Any]) -> Answer:
    return Answer([Record(("pid", "backend_start"), [session.pid, session.started])], "SELECT 1")


async def _one(_session: Session, _found: re.Match[str], _args: Sequence[Any]) -> Answer:
    return Answer([Record(("one",), [1])], "SELECT 1")


async def _lock_timeout(session: Session, found: re.Match[str], _args: Sequence[Any]) -> Answer:
    session.lock_seconds = int(found["ms"]) / 1000 or None
    return Answer([], "SET")


FORMS: list[tuple[str, Form]] = [
    (r"SELECT 1", _one),
    (r"SET lock_timeout = (?P<ms>\d+)", _lock_timeout),
    (r"SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid\(\)", _whoami),
    (
        (
            r"SELECT pg_terminate_backend\(a\.pid\) FROM input_cursor c"
            r" JOIN pg_stat_activity a ON (?P<on>.*) WHERE (?P<where>.*)"
        ),
        _terminate,
    ),
    (
        (
            r"INSERT INTO (?P<table>\w+)(?: AS (?P<alias>\w+))? \((?P<columns>[^)]*)\)"
            rf" (?:VALUES \((?P<values>.*?)\)|SELECT \*(?P<more>(?:, \w+)*) FROM {UNNEST})"
            r"(?:(?P<nothing> ON CONFLICT DO NOTHING)"
            r"| ON CONFLICT \([^)]*\) DO UPDATE SET (?P<sets>.*?)(?: WHERE (?P<condition>.*?))?)?"
            r"(?: RETURNING (?P<returning>.*))?"
        ),
        _insert,
    ),
    (
        (
            rf"WITH wanted AS \( SELECT \* FROM {UNNEST} AS w \((?P<columns>[^)]*)\) \),"
            r" held AS MATERIALIZED \( SELECT (?P<held>.*?) FROM (?P<table>\w+) c"
            r" JOIN wanted w ON (?P<join>.*?)"
            r" WHERE (?P<where>.*?)(?P<order> ORDER BY c\.topic, c\.partition)?(?P<lock> FOR UPDATE OF c)? \)"
            r" UPDATE \w+ c SET (?P<sets>.*?) FROM held h WHERE .*? RETURNING (?P<returning>.*)"
        ),
        _advance,
    ),
    (r"UPDATE (?P<table>\w+) SET (?P<sets>.*?) WHERE (?P<where>.*)", _update),
    (
        (
            r"UPDATE (?P<table>\w+) (?P<alias>\w+) SET (?P<sets>.*?)"
            r" FROM unnest\(\$(?P<first>\d+)[^()]*(?:\(\)[^()]*)*\) AS (?P<other>\w+) ?\((?P<columns>[^)]*)\)"
            r" WHERE (?P<where>.*)"
        ),
        _update_from,
    ),
    (
        (
            rf"DELETE FROM (?P<table>\w+) (?P<alias>\w+)"
            rf" USING {UNNEST} AS (?P<other>\w+) ?\((?P<columns>[^)]*)\)"
            r" WHERE (?P<where>.*)"
        ),
        _delete,
    ),
    (
        (
            rf"SELECT (?P<returning>.*?) FROM (?P<table>\w+) c JOIN {UNNEST} AS w \((?P<columns>[^)]*)\)"
            r" ON (?P<on>.*)"
        ),
        _join,
    ),
    (
        (
            rf"SELECT (?P<returning>.*?) FROM {UNNEST} AS (?P<other>\w+) \((?P<columns>[^)]*)\)"
            r" CROSS JOIN LATERAL \( SELECT \* FROM (?P<table>\w+) WHERE (?P<where>.*?)"
            r" ORDER BY (?P<order>\w+) LIMIT (?P<limit>\$\d+) \) AS o ORDER BY (?P<sorted>.*)"
        ),
        _lateral,
    ),
    (r"SELECT (?P<returning>.*?) FROM (?P<table>\w+) WHERE (?P<where>.*)", _select),
]
