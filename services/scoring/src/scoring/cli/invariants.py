"""`scoring invariants`: what must hold in a running installation, looked at without touching it."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, NamedTuple, TypeVar

from rich.table import Table
from rich.text import Text
from shared.events.topics import FACTS, partition_for
from shared.runtime.away import KAFKA_AWAY
from shared.runtime.clock import Clock, system_clock
from shared.runtime.console import out
from shared.runtime.database import Database
from shared.runtime.errors import StartupError
from shared.runtime.tail import Tail

from scoring import published
from scoring.domain.rubric_sections import Rubric
from scoring.ports import REFOLD, REGISTERED
from scoring.published import Published
from scoring.recomputing import Kept, differences
from scoring.settings import ScoringSettings
from scoring.store import invariants, ledger, registry, rubrics, states
from scoring.store.invariants import SHOWN_MAX, Broken, Connection, Found, Given, Position, Sampled

T = TypeVar("T")

CHUNK = 50

TITLES: Mapping[str, str] = {
    "cursors_complete": "每个分区都有人读",
    "ledger_dense": "事实编号连续",
    "facts_have_events": "每条事实有原文",
    "outbox_dense": "待发结果编号连续",
    "outbox_young": "待发结果不积压",
    "outcomes_published": "编过号的结果都已发布或待发",
    "outcomes_have_states": "已告知的都有状态，版本不旧",
    "work_done": "到期工作不积压",
    "days_closed": "该结的日子都已结",
    "days_folded": "结日时该看的小区都看过",
    "states_registered": "有状态的都登记过",
    "registered_have_states": "登记过的都有状态",
    "waiting_facts_released": "等待登记的事实已放行",
    "sample_agrees": "抽样重算与存储一致",
}


class Asked(NamedTuple):
    """How much is looked at: compounds computed anew, outcomes read of each partition (0: none)."""

    sample: int
    seed: int
    patience_seconds: float
    outcomes: int


@dataclass(slots=True)
class Verdict:
    """What was looked at, and what does not hold."""

    asked: Asked
    checked: dict[str, int] = field(default_factory=dict)
    broken: list[Broken] = field(default_factory=list)
    sampled: int = 0
    outcomes: int = 0

    def add(self, name: str, found: Found) -> None:
        """The result of one invariant."""
        self.checked[name] = found.total
        self.broken += found.broken

    def document(self) -> dict[str, Any]:
        """{`clean`, `checked`: {invariant: rows that break it}, `broken`, `sampled`, `seed`, `outcomes`}."""
        return {
            "clean": not self.broken,
            "checked": self.checked,
            "broken": [one._asdict() for one in self.broken],
            "sampled": self.sampled,
            "seed": self.asked.seed,
            "outcomes": self.outcomes,
        }


async def check(settings: ScoringSettings, asked: Asked, clock: Clock | None = None) -> Verdict:
    """Look at everything; StartupError when a server is away."""
    verdict = Verdict(asked)
    # First what was told, then the tables, then how far it is published: each proves something of the next.
    told = (
        await _of_topic(published.read_published(settings.kafka, asked.outcomes)) if asked.outcomes else None
    )
    database = await Database.open(settings.database, application_name="scoring/invariants")
    try:
        rubric = await rubrics.load(database, settings.fold.rubric)
        given = _given(settings, asked, clock or system_clock(settings))
        async with (
            database.pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            for name in invariants.CHECKS:
                verdict.add(name, await invariants.check(connection, name, given))
            positions = await invariants.positions(connection, given.topic)
            await _states_of_outcomes(connection, verdict, told, positions, rubric.name)
            await _sample(connection, verdict, settings, rubric)
    finally:
        await database.close()
    if told is not None:
        tails = await _of_topic(published.read_positions(settings.kafka))
        verdict.add(
            "outcomes_published", _limited("outcomes_published", _unpublished(positions, told, tails))
        )
    return verdict


async def _of_topic(reading: Awaitable[T]) -> T:
    try:
        return await reading
    except KAFKA_AWAY as error:
        raise StartupError(
            "Kafka does not answer: start it, or leave the topic out with --outcomes 0."
        ) from error


def _given(settings: ScoringSettings, asked: Asked, clock: Clock) -> Given:
    grace = timedelta(minutes=settings.days.close_after_minutes, seconds=asked.patience_seconds)
    over = (clock.now() - grace).astimezone(settings.zone).date() - timedelta(days=1)
    kafka = settings.kafka
    return Given(kafka.name_of(FACTS), settings.fold.rubric, asked.patience_seconds, over, kafka.partitions)


async def _states_of_outcomes(
    connection: Connection,
    verdict: Verdict,
    told: Published | None,
    positions: Sequence[Position],
    rubric: str,
) -> None:
    """A state for every compound that something was told of, no older than what was told."""
    versions, verdict.outcomes = await invariants.waiting(connection)
    if told is not None:
        verdict.outcomes += told.records
        for one in positions:
            # What was told before the database went back may be of commits that are lost.
            for compound, version in told.told.get((one.partition, one.incarnation), {}).items():
                versions[compound] = max(version, versions.get(compound, 0))
    wrong = [
        (compound, f"version {version} was told, stored is {'none' if stored is None else stored}")
        for compound, version, stored in await invariants.told_of(connection, versions, rubric)
    ]
    verdict.add("outcomes_have_states", _limited("outcomes_have_states", wrong))


def _unpublished(
    positions: Sequence[Position], told: Published, tails: Mapping[int, Tail]
) -> list[tuple[str, str]]:
    """Numbers that were given out and are neither on the topic nor waiting, or the other way round."""
    wrong: list[tuple[str, str]] = []
    for one in positions:
        before, after = told.last.get(one.partition), tails.get(one.partition)
        subject = f"partition {one.partition}"
        if before is not None and before > (one.incarnation, one.out_seq):
            seen = f"{before.incarnation}.{before.sequence}"
            wrong.append((subject, f"{seen} is published, {one.incarnation}.{one.out_seq} is given out"))
        # An empty partition may have outlived its records.
        if after is not None and after < (one.incarnation, one.waits_from - 1) and _is_of(one, after):
            first, last = after.sequence + 1, one.waits_from - 1
            wrong.append((subject, f"outcomes {first} to {last} are neither published nor waiting"))
    return wrong


def _is_of(position: Position, tail: Tail) -> bool:
    return tail.incarnation == position.incarnation


async def _sample(
    connection: Connection, verdict: Verdict, settings: ScoringSettings, rubric: Rubric
) -> None:
    """Compounds computed from their facts; those whose past is still being put right are left out."""
    asked = verdict.asked
    chosen = await invariants.sample(connection, rubric.name, [REFOLD, REGISTERED], asked.seed, asked.sample)
    verdict.sampled = len(chosen)
    wrong: list[tuple[str, str]] = []
    for start in range(0, len(chosen), CHUNK):
        wrong += await _differing(connection, chosen[start : start + CHUNK], settings, rubric)
    verdict.add("sample_agrees", _limited("sample_agrees", wrong))


async def _differing(
    connection: Connection, chosen: Sequence[Sampled], settings: ScoringSettings, rubric: Rubric
) -> list[tuple[str, str]]:
    compounds = [one.compound for one in chosen]
    stored = await states.load(connection, compounds, rubric.name)
    steps = await states.steps_of(connection, compounds, rubric.name)
    registries = await registry.load(connection, compounds)
    facts = await ledger.facts_of(connection, compounds, settings.zone)
    wrong: list[tuple[str, str]] = []
    for one in chosen:
        if one.partition != partition_for(one.compound.encode(), settings.kafka.partitions):
            wrong.append(
                (one.compound, f"its state is of partition {one.partition}, where it does not belong")
            )
        if one.compound not in registries:
            continue
        state = stored[one.compound]
        kept = Kept(state, one.as_of_day, one.next_change_day, steps.get(one.compound, []))
        found = differences(kept, rubric, registries[one.compound], facts.get(one.compound, []))
        wrong += [(one.compound, detail) for detail in found]
    return wrong


def _limited(name: str, wrong: Sequence[tuple[str, str]]) -> Found:
    return Found([Broken(name, *one) for one in wrong[:SHOWN_MAX]], len(wrong))


def show(verdict: Verdict) -> None:
    """Each invariant, and what breaks it."""
    table = Table("不变量", "", "不符")
    for name, total in verdict.checked.items():
        table.add_row(TITLES[name], name, f"[red]{total}[/red]" if total else "✓")
    out.print(table)
    for one in verdict.broken:
        out.print(Text(f"{TITLES[one.invariant]}：{one.subject} {one.detail}"), soft_wrap=True)
    asked = verdict.asked
    seen = f"重算 {verdict.sampled} 个小区（--seed {asked.seed}），核对 {verdict.outcomes} 条结果"
    out.print(
        f"{seen} · {'全部相符 · all holds' if not verdict.broken else '有不符 · broken'}", highlight=False
    )
