"""The ledger against the topic: each distinct event once, the right revision counting, numbers dense.

Nothing of the product is used here: events are read, told apart and ranked by the text of the rubric alone.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from aiokafka.partitioner import murmur2

from tests.faults.contract import TOLD
from tests.faults.findings import Findings
from tests.faults.reading import Reading, Row, Told, ends

ZONE = ZoneInfo("Asia/Shanghai")
STAMPS = {
    "receivedtime",
    "actorid",
    "actorrole",
    "actororg",
    "deviceid",
    "clockskewms",
    "timequality",
    "traceparent",
}
TYPES = {f"anxing.{kind}.v1" for kind in (*TOLD, "fact.withdrawn")}
WAITS_FOR_NOBODY = "anxing.evidence.stored.v1"


class Event(NamedTuple):
    """A distinct event; `content` is the hash of what its sender wrote."""

    subject: str
    root: str
    revision: int
    source: str
    id: str
    content: bytes

    @classmethod
    def of(cls, event: dict[str, Any]) -> "Event":
        own = {name: value for name, value in event.items() if name not in STAMPS}
        canonical = json.dumps(own, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return cls(
            event["subject"],
            event.get("rootid", event["id"]),
            event.get("revision", 1),
            event["source"],
            event["id"],
            hashlib.sha256(canonical.encode()).digest(),
        )


class Arrived(NamedTuple):
    """An event with where it first lay."""

    event: Event
    body: bytes
    read: dict[str, Any]
    partition: int
    offset: int

    @property
    def received(self) -> datetime:
        return datetime.fromisoformat(self.read["receivedtime"])


def place_of(key: bytes, partitions: int) -> int:
    """Where Java's default partitioner puts a key."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions


def usable(one: Told, partitions: int) -> dict[str, Any] | None:
    """The event of a fact's record; None for what can never be used."""
    try:
        event: dict[str, Any] = json.loads(one.value or b"")
    except ValueError:
        return None
    if event["type"] not in TYPES or place_of(event["subject"].encode(), partitions) != one.partition:
        return None
    return event


def arrivals(reading: Reading) -> tuple[dict[Event, Arrived], list[Told]]:
    """The distinct events of the facts topic, first come, and the records that are none."""
    found: dict[Event, Arrived] = {}
    bad: list[Told] = []
    for one in reading.facts:
        event = usable(one, reading.partitions)
        if event is None:
            bad.append(one)
            continue
        assert one.value is not None
        arrived = Arrived(Event.of(event), one.value, event, one.partition, one.offset)
        found.setdefault(arrived.event, arrived)
    return found, bad


def heads(found: Iterable[Arrived]) -> dict[tuple[str, str], Arrived]:
    """What counts of each fact: the highest revision; of equals the first received, then the smaller hash."""
    roots: dict[tuple[str, str], list[Arrived]] = defaultdict(list)
    for one in found:
        roots[one.event.subject, one.event.root].append(one)
    return {
        root: min(ones, key=lambda one: (-one.event.revision, one.received, one.event.content))
        for root, ones in roots.items()
    }


def judge_facts(reading: Reading, findings: Findings) -> None:
    events, bad = arrivals(reading)
    counting = heads(events.values())
    bodies = _bodies(reading, findings)
    _cursors(reading, findings)
    _ledger(reading, findings, events, counting, bodies)
    findings.compare(
        "parked record",
        [(one.partition, one.offset, one.value) for one in bad],
        [(row["partition"], row["offset"], row["value"]) for row in reading.tables["parked"]],
    )
    _beside(reading, findings, counting)
    _unassigned(reading, findings, events.values())
    for table in ("outbox", "work"):
        findings.equal(f"rows left in {table}", [], reading.tables[table])


def _cursors(reading: Reading, findings: Findings) -> None:
    for topic, told, count in (
        (reading.facts_topic, reading.facts, reading.partitions),
        (reading.registry_topic, reading.registry, 1),
    ):
        last = ends(told)
        findings.compare(
            f"cursor of {topic}",
            [(partition, last.get(partition, 0), 1) for partition in range(count)],
            [
                (row["partition"], row["next_offset"], row["incarnation"])
                for row in reading.tables["input_cursor"]
                if row["topic"] == topic
            ],
        )


def _bodies(reading: Reading, findings: Findings) -> dict[tuple[int, int], Event]:
    for cursor in reading.tables["input_cursor"]:
        if cursor["topic"] == reading.facts_topic:
            numbers = [
                row["ledger_seq"]
                for row in reading.tables["ledger_body"]
                if row["partition"] == cursor["partition"]
            ]
            findings.dense(f"ledger number of partition {cursor['partition']}", cursor["ledger_seq"], numbers)
    return {
        (row["partition"], row["ledger_seq"]): Event.of(json.loads(row["body"]))
        for row in reading.tables["ledger_body"]
    }


def _ledger(
    reading: Reading,
    findings: Findings,
    events: dict[Event, Arrived],
    counting: dict[tuple[str, str], Arrived],
    bodies: dict[tuple[int, int], Event],
) -> None:
    ledger, history = reading.tables["ledger"], reading.tables["ledger_history"]
    kept = {"ledger": list(map(_identity, ledger)), "history": list(map(_identity, history))}
    head_events = [one.event for one in counting.values()]
    others = events.keys() - set(head_events)
    findings.compare("ledger row", [one[:5] for one in head_events], kept["ledger"])
    findings.compare(
        "history row",
        others,
        [(*one, row["fingerprint"]) for one, row in zip(kept["history"], history, strict=True)],
    )
    numbered: list[tuple[int, int]] = []
    for row in (*ledger, *history):
        place = (row["partition"], row["ledger_seq"])
        numbered.append(place)
        event = bodies.get(place)
        findings.equal(f"body of {_identity(row)}", _identity(row), None if event is None else event[:5])
        if event in events:
            _columns(findings, row, events[event])
    findings.compare("number of a row", set(numbered), numbered)
    # A repeat of what does not count has a number, and leaves nothing else.
    for place in bodies.keys() - set(numbered):
        if bodies[place] not in others:
            findings.repeated.append(f"body {place} of {bodies[place][:5]} belongs to no row")


def _identity(row: Row) -> tuple[str, str, int, str, str]:
    return row["compound"], row["root"], row["revision"], row["source"], row["event_id"]


def _columns(findings: Findings, row: Row, arrived: Arrived) -> None:
    event = arrived.read
    time = datetime.fromisoformat(event["time"])
    wanted = (
        event["type"].removeprefix("anxing.").removesuffix(".v1"),
        time.astimezone(ZONE).date(),
        _microseconds(time),
        _microseconds(arrived.received),
        event["type"] == "anxing.fact.withdrawn.v1",
        event.get("actorrole") in {"company", "guard", "building_head"},
        arrived.partition,
    )
    names = ("kind", "day", "instant_us", "received_us", "withdrawn", "by_company", "partition")
    findings.equal(f"columns of {_identity(row)}", wanted, tuple(row[name] for name in names))


def _microseconds(instant: datetime) -> int:
    since = instant - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def _beside(reading: Reading, findings: Findings, counting: dict[tuple[str, str], Arrived]) -> None:
    """The tables that follow from what counts: calls and openings of hazards."""
    numbers = {(row["partition"], row["ledger_seq"]): row for row in reading.tables["ledger"]}
    calls, hazards = [], []
    for (compound, root), one in counting.items():
        data = one.read["data"]
        day = datetime.fromisoformat(one.read["time"]).astimezone(ZONE).date()
        if one.read["type"] == "anxing.incident.recorded.v1":
            alike = f"{data['code']} {data['status']} {data.get('place', 'unknown')}"
            calls.append((compound, root, day, alike))
        if one.read["type"] == "anxing.hazard.opened.v1":
            hazards.append((compound, root, data["hazard_id"], data["item"], day))
    found = []
    for row in reading.tables["incident"]:
        fact = numbers.get((row["partition"], row["ledger_seq"]))
        root = None if fact is None else fact["root"]
        found.append((row["compound"], root, row["day"], row["alike"]))
    findings.compare("call", calls, found)
    findings.compare("hazard", hazards, [tuple(row.values()) for row in reading.tables["hazard"]])


def _unassigned(reading: Reading, findings: Findings, events: Iterable[Arrived]) -> None:
    registered = {json.loads(one.value or b"")["subject"] for one in reading.registry}
    first: dict[tuple[str, str], Arrived] = {}
    for one in events:
        if one.event.subject not in registered:
            first.setdefault((one.event.subject, one.event.root), one)
    waiting: dict[str, int] = defaultdict(int)
    for (compound, _), one in first.items():
        waiting[compound] += one.read["type"] != WAITS_FOR_NOBODY
    findings.compare(
        "compound that waits",
        [(compound, facts) for compound, facts in waiting.items() if facts],
        [(row["compound"], row["facts"]) for row in reading.tables["unassigned"]],
    )


def judge_registry(reading: Reading, findings: Findings) -> None:
    """Every distinct registration once, and the right revisions counting."""
    events: dict[Event, dict[str, Any]] = {}
    for one in reading.registry:
        read: dict[str, Any] = json.loads(one.value or b"")
        events.setdefault(Event.of(read), read)
    for kind, table in (("compound", "compound_revision"), ("company", "company_revision")):
        mine = {
            event: read for event, read in events.items() if read["type"] == f"anxing.{kind}.registered.v1"
        }
        best = {
            one.event
            for one in heads(Arrived(event, b"", read, 0, 0) for event, read in mine.items()).values()
        }
        findings.compare(
            f"registration of a {kind}",
            [
                (*event, event in best, date.fromisoformat(read["data"]["effective_from"]))
                for event, read in mine.items()
            ],
            [
                (
                    row[kind],
                    row["root"],
                    row["revision"],
                    row["source"],
                    row["event_id"],
                    row["fingerprint"],
                    row["counted"],
                    row["effective_from"],
                )
                for row in reading.tables[table]
            ],
        )
