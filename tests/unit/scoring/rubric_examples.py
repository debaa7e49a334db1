"""The examples of the rubric as domain values, read from `rubric-examples.json` beside this module."""

import json
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from scoring.domain.book import Book
from scoring.domain.facts import Day, Fact
from scoring.domain.registry import CompoundRevision, Registry
from scoring.domain.revisions import counted
from scoring.domain.rubric import Rubric, parse
from scoring.translate import compound_revision_from, fact_from
from shared.events.catalogue import lookup
from shared.events.envelope import Envelope, decode_envelope
from shared.events.registry import CompoundRegistered

ZONE = ZoneInfo("Asia/Shanghai")


class Example(NamedTuple):
    """One compound with the right answers."""

    name: str
    compound: str
    registry: Registry
    facts: list[Fact]
    expected: list[dict[str, Any]]
    star_changes: list[dict[str, Any]]
    last_day: Day
    annual: dict[str, Any] | None
    has_annual: bool


def rubric_text() -> str:
    return (files("scoring") / "rubrics" / "shangyu-v1.toml").read_text("utf-8")


@cache
def rubric() -> Rubric:
    return parse(rubric_text())


@cache
def examples() -> list[Example]:
    path = Path(__file__).with_name("rubric-examples.json")
    return [_example(case) for case in json.loads(path.read_text("utf-8"))]


def book_of(registry: Registry, facts: list[Fact]) -> Book:
    """A book with the counted revisions of `facts`."""
    book = Book("C1", rubric(), registry)
    for fact in counted(facts).values():
        book.add(fact)
    return book


def ordinal(text: str) -> Day:
    return date.fromisoformat(text).toordinal()


def _example(case: dict[str, Any]) -> Example:
    return Example(
        case["name"],
        case["compound"],
        registry_of(case["compound"], case["registry"]),
        [fact_of(one) for one in case["facts"]],
        case["expected"],
        case["star_changes"],
        ordinal(case["last_day"]),
        case.get("annual"),
        "annual" in case,
    )


def fact_of(event: dict[str, Any]) -> Fact:
    raw = json.dumps(event).encode()
    envelope = decode_envelope(raw)
    return fact_from(envelope, lookup(envelope.type).decode(envelope.data), ZONE, raw)


def registry_of(compound: str, registrations: list[dict[str, Any]]) -> Registry:
    return Registry([_revision(compound, one, place) for place, one in enumerate(registrations)])


def _revision(compound: str, data: dict[str, Any], place: int) -> CompoundRevision:
    envelope = Envelope(
        specversion="1.0",
        id=f"00000000-0000-4000-9000-{place:012}",
        source="urn:anxing:registry",
        type="anxing.compound.registered.v1",
        subject=compound,
        time=datetime(2024, 1, 1, tzinfo=ZONE),
        data=msgspec.Raw(b"{}"),
    )
    return compound_revision_from(envelope, msgspec.convert(data, CompoundRegistered))
