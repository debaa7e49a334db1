"""States and steps against a recomputation from the topics: a fresh book for all, the naive way for a few."""

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import scoring
from scoring.domain.book import Book
from scoring.domain.facts import Fact
from scoring.domain.registry import CompanyRevision, CompoundRevision, Registry
from scoring.domain.rubric import parse
from scoring.domain.rubric_sections import Rubric
from scoring.handlers.fold import shown
from scoring.translate import company_revision_from, compound_revision_from, fact_from
from shared.events.catalogue import lookup
from shared.events.envelope import decode_envelope

from tests.faults.findings import Findings
from tests.faults.judging_facts import ZONE, Arrived, arrivals, heads
from tests.faults.reading import Reading, Row
from tests.properties.naive_rubric import Naive

NAIVE_COMPOUNDS = 3
NAIVE_DAYS = (0, 1, 9, 31)


@cache
def rubric() -> Rubric:
    assert scoring.__file__ is not None
    return parse((Path(scoring.__file__).parent / "rubrics" / "shangyu-v1.toml").read_text())


def judge_states(reading: Reading, findings: Findings) -> None:
    events, _ = arrivals(reading)
    counting: dict[str, list[Fact]] = defaultdict(list)
    every: dict[str, list[Fact]] = defaultdict(list)
    for one in events.values():
        every[one.event.subject].append(_fact(one))
    for one in heads(events.values()).values():
        counting[one.event.subject].append(_fact(one))
    compounds, companies = _registrations(reading)
    states = {row["compound"]: row for row in reading.tables["compound_state"]}
    findings.compare("state", compounds, [row["compound"] for row in reading.tables["compound_state"]])
    steps: dict[str, list[Row]] = defaultdict(list)
    for row in sorted(reading.tables["score_step"], key=lambda row: row["day"]):
        steps[row["compound"]].append(row)
    for compound in sorted(compounds.keys() & states.keys()):
        named = {one.company_id for one in compounds[compound]}
        theirs = [one for one in companies if one.company_id in named]
        book = Book(compound, rubric(), Registry(compounds[compound], theirs))
        for fact in counting[compound]:
            book.add(fact)
        closed = reading.closed_day(states[compound]["partition"]).toordinal()
        _state(findings, book, states[compound], steps[compound], closed)
    findings.compare("compound with steps", steps.keys() & compounds.keys(), list(steps))
    fewest = sorted(steps.keys() & states.keys(), key=lambda compound: (len(every[compound]), compound))[
        :NAIVE_COMPOUNDS
    ]
    for compound in fewest:
        slow = Naive(every[compound], compounds[compound], companies)
        closed = reading.closed_day(states[compound]["partition"]).toordinal()
        _naive(findings, slow, compound, steps[compound], closed)


def _fact(one: Arrived) -> Fact:
    envelope = decode_envelope(one.body)
    return fact_from(envelope, lookup(envelope.type).decode(envelope.data), ZONE, one.body)


def _registrations(reading: Reading) -> tuple[dict[str, list[CompoundRevision]], list[CompanyRevision]]:
    compounds: dict[str, list[CompoundRevision]] = defaultdict(list)
    companies: list[CompanyRevision] = []
    makers: dict[str, Callable[..., Any]] = {
        "anxing.compound.registered.v1": compound_revision_from,
        "anxing.company.registered.v1": company_revision_from,
    }
    for one in reading.registry:
        assert one.value is not None
        envelope = decode_envelope(one.value)
        made = makers[envelope.type](envelope, lookup(envelope.type).decode(envelope.data), one.value)
        if isinstance(made, CompoundRevision):
            compounds[made.compound].append(made)
        else:
            companies.append(made)
    return compounds, companies


def _state(findings: Findings, book: Book, state: Row, steps: Sequence[Row], closed: int) -> None:
    compound, made = state["compound"], book.close_through(closed)
    wanted = [
        (
            step.day,
            step.score_milli,
            step.star,
            step.dynamic_star,
            step.up_run,
            step.down_run,
            dict(step.items),
            step.bonus_milli,
            [list(cap) for cap in step.caps],
        )
        for step in made
    ]
    _steps(findings, compound, wanted, [_step(row) for row in steps])
    now = shown(book, closed + 1)
    parts = json.loads(state["shown"])
    findings.equal(
        f"state of {compound} on the open day",
        {
            "score_milli": now.score_milli,
            "star": now.star,
            "dynamic_star": now.dynamic_star,
            "rated": now.rated,
            "enrolled": now.enrolled,
            "categories": dict(now.categories),
            "items": dict(now.items),
            "bonus_milli": now.bonus_milli,
            "unverified": list(now.unverified),
            "caps": _plain(now.caps),
            "marks": _plain(now.marks),
        },
        {
            **{name: state[name] for name in ("score_milli", "star", "dynamic_star", "rated", "enrolled")},
            "categories": parts.get("categories", {}),
            "items": parts.get("items", {}),
            "bonus_milli": parts.get("bonus_milli", 0),
            "unverified": parts.get("unverified", []),
            "caps": parts.get("caps", []),
            "marks": [
                parts.get("failed", []),
                parts.get("unknown", []),
                parts.get("near"),
                parts.get("warning"),
                parts.get("overdue", []),
            ],
        },
    )
    if not state["day"].toordinal() <= closed + 1:
        findings.differences.append(f"{compound} shows {state['day']}, which is after the open day")


def _steps(findings: Findings, compound: str, wanted: list[Any], found: list[Any]) -> None:
    findings.compare(f"step of {compound}", [one[0] for one in wanted], [one[0] for one in found])
    by_day = {one[0]: one for one in wanted}
    for one in found:
        if one[0] in by_day:
            findings.equal(f"step of {compound} on {one[0]}", by_day[one[0]], one)


def _step(row: Row) -> tuple[Any, ...]:
    parts = json.loads(row["items"])
    return (
        row["day"].toordinal(),
        row["score_milli"],
        row["star"],
        row["dynamic_star"],
        row["up_run"],
        row["down_run"],
        parts.get("items", {}),
        parts.get("bonus_milli", 0),
        parts.get("caps", []),
    )


def _naive(findings: Findings, slow: Naive, compound: str, steps: Sequence[Row], closed: int) -> None:
    """The step in force on a day says what the slow way says of it."""
    rows = [_step(row) for row in steps]
    for back in NAIVE_DAYS:
        day = closed - back
        before = [row for row in rows if row[0] <= day]
        if not before:
            continue
        naive, row = slow.day(day), before[-1]
        wanted = (naive.score, naive.items, naive.bonus)
        found = (row[1], row[6], row[7])
        findings.equal(f"{compound} {back} days before the last closed one, the naive way", wanted, found)


def _plain(value: Any) -> Any:
    return msgspec.msgpack.decode(msgspec.msgpack.encode(value))
