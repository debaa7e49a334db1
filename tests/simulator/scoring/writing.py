"""The statements of scoring that change rows in a way that no common form describes, carried out by hand."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from functools import partial
from re import Match
from typing import Any

from scoring.store import incidents, ledger, registry, work

from tests.simulator.server import Session
from tests.simulator.statements import Answer, Form, Record, plain_text

Row = dict[str, Any]
Deed = Callable[[Session, Sequence[Any]], Awaitable[int]]


def deeds() -> dict[str, Form]:
    """By text."""
    made = {plain_text(text): _form(deed) for text, deed in PLAIN.items()}
    for table, entity in (
        ("compound_revision", "compound"),
        ("company_revision", "company"),
        ("organisation_revision", "organisation"),
    ):
        text = plain_text(registry.COUNT.format(table=table, entity=entity))
        made[text] = _form(partial(_count, table, entity))
    made["SELECT pg_try_advisory_xact_lock($1)"] = _try_lock
    return made


def _form(deed: Deed) -> Form:
    async def done(session: Session, _found: Match[str], args: Sequence[Any]) -> Answer:
        return Answer([], f"DONE {await deed(session, args)}")

    return done


async def _put(session: Session, table: str, key: Any, row: Row | None) -> None:
    await session.lock(table, key)
    session.put(table, key, row)


async def _supersede(session: Session, args: Sequence[Any]) -> int:
    for compound, root, fingerprint in zip(*args, strict=True):
        row = session.get("ledger", (compound, root))
        if row is None:
            continue
        key = (compound, root, row["revision"], row["source"], row["event_id"], fingerprint)
        await session.lock("ledger_history", key)
        if session.get("ledger_history", key) is None:
            session.put("ledger_history", key, {**row, "fingerprint": fingerprint})
    return len(args[0])


async def _forget_incidents(session: Session, args: Sequence[Any]) -> int:
    for key in zip(*args, strict=True):
        row = session.get("ledger", key)
        if row is not None:
            place = (row["partition"], row["ledger_seq"])
            if session.get("incident", place) is not None:
                await _put(session, "incident", place, None)
    return len(args[0])


async def _count(table: str, entity: str, session: Session, args: Sequence[Any]) -> int:
    roots: dict[tuple[str, str], list[tuple[Any, Row]]] = {}
    for key, row in list(session.scan(table)):
        if row[entity] in args[0]:
            roots.setdefault((row[entity], row["root"]), []).append((key, row))
    for revisions in roots.values():
        order = ("received_us", "fingerprint", "source", "event_id")
        revisions.sort(key=lambda each: (-each[1]["revision"], *(each[1][name] for name in order)))
        for place, (key, row) in enumerate(revisions):
            if row["counted"] != (place == 0):
                await _put(session, table, key, {**row, "counted": place == 0})
    return 0


async def _delete_steps(session: Session, args: Sequence[Any]) -> int:
    gone = [key for key, _ in session.scan("score_step") if key[0] in args[0] and key[1] == args[1]]
    for key in gone:
        await _put(session, "score_step", key, None)
    return len(gone)


async def _assign(session: Session, args: Sequence[Any]) -> int:
    for compound in args[0]:
        if session.get("unassigned", (compound,)) is not None:
            await _put(session, "unassigned", (compound,), None)
    return 0


async def _add_work(session: Session, args: Sequence[Any]) -> int:
    for partition, kind, key, cause, from_day, delay in sorted(
        zip(*args, strict=True), key=lambda row: row[:3]
    ):
        not_before = session.moment.now + timedelta(seconds=delay)
        await _add_one(session, (partition, kind, key), cause, from_day, not_before)
    return len(args[0])


async def _add_for_companies(session: Session, args: Sequence[Any]) -> int:
    companies, causes, kind = args
    cause_of = dict(zip(companies, causes, strict=True))
    concerned = {
        (row["partition"], row["compound"]): cause_of[row["company"]]
        for _, row in session.scan("compound_revision")
        if row["company"] in cause_of and row["counted"]
    }
    for (partition, compound), cause in sorted(concerned.items()):
        await _add_one(session, (partition, kind, compound), cause, None, session.moment.now)
    return len(concerned)


async def _add_one(
    session: Session, key: tuple[int, str, str], cause: str, from_day: Any, not_before: Any
) -> None:
    await session.lock("work", key)
    old = session.get("work", key)
    if old is None:
        row = {
            "id": session.server.identity(),
            **dict(zip(("partition", "kind", "key"), key, strict=True)),
            "merged": 0,
            "from_day": from_day,
            "not_before": not_before,
            "cause": cause,
        }
    elif key[1] == "unassigned":
        return
    else:
        days = [day for day in (old["from_day"], from_day) if day is not None]
        row = {
            **old,
            "merged": old["merged"] + 1,
            "from_day": min(days, default=None),
            "not_before": min(old["not_before"], not_before),
            "cause": cause,
        }
    session.put("work", key, row)


async def _try_lock(session: Session, _found: Match[str], args: Sequence[Any]) -> Answer:
    place = ("advisory", args[0])
    free = session.server.holders.get(place) in {None, session}
    if free:
        await session.lock(*place)
    return Answer([Record(("locked",), [free])], "SELECT 1")


PLAIN: dict[str, Deed] = {
    ledger.SUPERSEDE: _supersede,
    incidents.FORGET: _forget_incidents,
    "DELETE FROM score_step WHERE compound = ANY($1::text[]) AND rubric = $2": _delete_steps,
    "DELETE FROM unassigned WHERE compound = ANY($1::text[])": _assign,
    work.ADD: _add_work,
    work.ADD_FOR_COMPANIES: _add_for_companies,
}
