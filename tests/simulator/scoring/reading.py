"""The questions of scoring, answered by hand from the rows that a session sees."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from re import Match
from typing import Any

from scoring import measuring
from scoring.store import ledger, registry, states, work
from shared.runtime import parking

from tests.simulator.server import Session
from tests.simulator.sql import expression
from tests.simulator.statements import Answer, Form, Record, plain_text

Row = dict[str, Any]
Question = Callable[[Session, Sequence[Any]], Iterable[tuple[Any, ...]]]


def questions() -> dict[str, Form]:
    """By text."""
    named = {
        parking._UNPUBLISHED: (
            _unpublished,
            ("topic", "partition", "offset", "code", "detail", "key", "value", "headers", "parked_at"),
        ),
    }
    made = {plain_text(text): _form(question, names) for text, (question, names) in named.items()}
    made.update((plain_text(text), _form(question, ())) for text, question in PLAIN.items())
    return made


def _form(question: Question, names: tuple[str, ...]) -> Form:
    async def answered(session: Session, _found: Match[str], args: Sequence[Any]) -> Answer:
        return Answer([Record(names, row) for row in question(session, args)], "SELECT")

    return answered


def _rows(session: Session, table: str) -> Iterator[Row]:
    return (row for _, row in session.scan(table))


def _known(session: Session, args: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    for key in zip(*args, strict=True):
        row = session.get("ledger", key)
        if row is not None:
            yield *key, session.get("ledger_body", (row["partition"], row["ledger_seq"]))["body"]


def _facts_of(session: Session, args: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    for row in _rows(session, "ledger"):
        if row["compound"] in args[0]:
            body = session.get("ledger_body", (row["partition"], row["ledger_seq"]))
            yield row["compound"], body["body"]


def _hazards_since(session: Session, args: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    for row in _rows(session, "hazard"):
        if row["compound"] in args[0] and row["day"] >= args[1]:
            yield row["compound"], row["root"], row["item"], row["day"]


SHOWN = ("packed", "score_milli", "star", "dynamic_star", "rated", "enrolled", "shown")


def _states(session: Session, args: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    for compound in args[0]:
        row = session.get("compound_state", (compound, args[1]))
        if row is not None:
            yield compound, row["version"], row["day"], *(row[name] for name in SHOWN)


STEP = ("score_milli", "star", "dynamic_star", "up_run", "down_run", "items")


def _steps_of(session: Session, args: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    for row in _rows(session, "score_step"):
        if row["compound"] in args[0] and row["rubric"] == args[1]:
            yield row["compound"], row["day"], *(row[name] for name in STEP)


async def due_compounds(session: Session, found: Match[str], args: Sequence[Any]) -> Answer:
    """The compounds that a closing day concerns, by the condition as it is written."""
    where = expression(found["where"], "compound_state")
    due = [
        row
        for row in _rows(session, "compound_state")
        # A comparison with what is not there is not true.
        if row["due_day"] is not None
        and row["as_of_day"] is not None
        and where({"compound_state": row}, args, session.moment)
    ]
    due.sort(key=lambda row: row["due_day"])
    limit = args[int(found["limit"]) - 1]
    return Answer([Record(("compound",), (row["compound"],)) for row in due[:limit]], "SELECT")


DUE = r"SELECT compound FROM compound_state WHERE (?P<where>.*) ORDER BY due_day LIMIT \$(?P<limit>\d)"


def _due_work(session: Session, args: Sequence[Any]) -> Iterable[tuple[Any, ...]]:
    partitions, kinds, waited, limit = args
    until = session.moment.now - timedelta(seconds=waited)
    due = [
        row
        for row in _rows(session, "work")
        if row["partition"] in partitions and row["kind"] in kinds and row["not_before"] <= until
    ]
    due.sort(key=lambda row: row["id"])
    names = ("id", "partition", "kind", "key", "merged", "from_day", "cause")
    return [tuple(row[name] for name in names) for row in due[:limit]]


def _waiting(session: Session, args: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    first: dict[str, Row] = {}
    for row in sorted(_rows(session, "ledger"), key=lambda row: row["ledger_seq"]):
        first.setdefault(row["compound"], row)
    for compound in sorted(args[0]):
        waits = session.get("unassigned", (compound,))
        if waits is not None and compound in first:
            fact = first[compound]
            yield compound, fact["event_id"], fact["kind"], waits["since"].timestamp()


def _closed(session: Session, args: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    for row in _rows(session, "input_cursor"):
        if row["topic"] == args[0] and row["partition"] in args[1]:
            yield row["partition"], row["closed_day"]


def _confirmed(_session: Session, _args: Sequence[Any]) -> Iterable[tuple[Any, ...]]:
    return [(None,)]


def _compounds(session: Session, args: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    for row in _rows(session, "compound_revision"):
        if row["compound"] in args[0] and row["counted"]:
            yield (row["body"],)


def _companies(session: Session, args: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    for row in _rows(session, "company_revision"):
        if row["company"] in args[0] and row["counted"]:
            yield (row["body"],)


def _assessed(_session: Session, _args: Sequence[Any]) -> Iterable[tuple[Any, ...]]:
    return []


def _clock(session: Session, _args: Sequence[Any]) -> Iterable[tuple[Any, ...]]:
    return [(session.moment.now,)]


def _unpublished(session: Session, args: Sequence[Any]) -> Iterable[tuple[Any, ...]]:
    names = ("topic", "partition", "offset", "code", "detail", "key", "value", "headers", "parked_at")
    rows = [row for row in _rows(session, "parked") if row["published_at"] is None]
    rows.sort(key=lambda row: (row["parked_at"], row["topic"], row["partition"], row["offset"]))
    return [tuple(row[name] for name in names) for row in rows[: args[0]]]


def _pending(session: Session, args: Sequence[Any]) -> Iterable[tuple[Any, ...]]:
    since = [
        row["not_before"]
        for row in _rows(session, "work")
        if row["partition"] in args[0] and row["kind"] != args[1] and row["not_before"] <= session.moment.now
    ]
    return [(len(since), (session.moment.now - min(since)).total_seconds() if since else 0.0)]


def _parked(session: Session, args: Sequence[Any]) -> Iterable[tuple[Any, ...]]:
    counts: dict[tuple[str, int], int] = defaultdict(int)
    for row in _rows(session, "parked"):
        counts[row["topic"], row["partition"]] += row["resolved_at"] is None
    return [(sum(counts[place] for place in zip(*args, strict=True)),)]


PLAIN: dict[str, Question] = {
    ledger.KNOWN: _known,
    ledger.FACTS_OF: _facts_of,
    ledger.HAZARDS_SINCE: _hazards_since,
    states.LOAD: _states,
    states.STEPS_OF: _steps_of,
    work.DUE: _due_work,
    work.WAITING: _waiting,
    work.CLOSED: _closed,
    "SELECT max(through) FROM day_confirmation": _confirmed,
    registry.COMPOUNDS: _compounds,
    registry.COMPANIES: _companies,
    registry.ASSESSED: _assessed,
    "SELECT clock_timestamp()": _clock,
    measuring.WAITING: _pending,
    measuring.PARKED: _parked,
}
