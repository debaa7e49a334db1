"""What an audit compares, and the comparison: pure, so that a test can lose or double a row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

EventKey = tuple[str, str]
"""Identity of an event: (`source`, `id`)."""

Sequence = tuple[int, int, int]
"""Identity of an announcement: (incarnation, partition, sequence)."""

Key = TypeVar("Key")

SAMPLES_MAX = 5
"""How many offending keys a finding shows: enough to start looking, short enough to read."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything one audit looks at, as the reader found it.

    Counters hold how often a key was seen, so that a doubled row shows; sets are used only where the
    other side already proves that a key is unique.
    """

    answered: frozenset[EventKey]
    """Events that intake answered with 2xx or `stored`, `replayed`; told by the sender."""
    on_topic: Counter[EventKey]
    """Events on the facts and registry topics; repeats are allowed there, loss is not."""
    counted: Counter[EventKey]
    """Events in ledger, history and registry tables of scoring; each exactly once."""
    given_out: Mapping[int, tuple[int, int]]
    """Partition -> (incarnation, last sequence) in the cursors of scoring."""
    published: Counter[Sequence]
    """Sequences on the outcomes topic; a repeat must carry the same event id."""
    published_ids: Mapping[Sequence, frozenset[str]]
    """Event ids seen under each sequence."""
    consumed: Mapping[int, tuple[int, int]]
    """Partition -> (incarnation, last sequence) in the cursors of notify."""
    consumed_ids: Counter[str]
    """Outcome ids in the inbox table of notify; each exactly once."""
    audience: Mapping[str, frozenset[str]]
    """Outcome id -> recipients that its relations name."""
    decided: Counter[tuple[str, str]]
    """(outcome id, recipient) in the decision table of notify."""
    parked: Mapping[str, int]
    """Service -> records it could not use."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken rule: its name, how many keys break it, and the first few of them."""

    rule: str
    count: int
    samples: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.rule}: {self.count} ({', '.join(self.samples)})"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of an audit: the figures it compared, and what did not agree."""

    figures: Mapping[str, int]
    findings: tuple[Finding, ...] = field(default=())

    @property
    def clean(self) -> bool:
        return not self.findings


def judge(evidence: Evidence) -> Verdict:
    """Compare both ends of every hand-over and name each difference."""
    findings: list[Finding] = []

    def expect_none(rule: str, offending: Iterable[object]) -> None:
        keys = sorted(map(str, offending))
        if keys:
            findings.append(Finding(rule, len(keys), tuple(keys[:SAMPLES_MAX])))

    on_topic, counted = set(evidence.on_topic), set(evidence.counted)
    expect_none("answered but not on the topic", evidence.answered - on_topic)
    expect_none("on the topic but never answered", on_topic - evidence.answered)
    expect_none("on the topic but not counted", on_topic - counted)
    expect_none("counted but not on the topic", counted - on_topic)
    expect_none("counted more than once", _repeated(evidence.counted))

    promised = {
        (incarnation, partition, sequence)
        for partition, (incarnation, last) in evidence.given_out.items()
        for sequence in range(1, last + 1)
    }
    published = set(evidence.published)
    expect_none("sequence given out but not published", promised - published)
    expect_none("sequence published but never given out", published - promised)
    expect_none(
        "one sequence under two ids",
        (sequence for sequence, ids in evidence.published_ids.items() if len(ids) != 1),
    )
    expect_none(
        "partition not consumed to its last sequence",
        (
            partition
            for partition, given in evidence.given_out.items()
            if given[1] and evidence.consumed.get(partition) != given
        ),
    )

    outcome_ids = {outcome for ids in evidence.published_ids.values() for outcome in ids}
    expect_none("outcome published but not consumed", outcome_ids - set(evidence.consumed_ids))
    expect_none("outcome consumed but not published", set(evidence.consumed_ids) - outcome_ids)
    expect_none("outcome consumed more than once", _repeated(evidence.consumed_ids))

    expected = {
        (outcome, recipient) for outcome, recipients in evidence.audience.items() for recipient in recipients
    }
    expect_none("recipient without a decision", expected - set(evidence.decided))
    expect_none("decision taken twice", _repeated(evidence.decided))
    expect_none("records parked", (f"{name} {count}" for name, count in evidence.parked.items() if count))

    return Verdict(
        figures={
            "answered": len(evidence.answered),
            "on_topic": len(on_topic),
            "counted": len(counted),
            "sequences_given_out": len(promised),
            "sequences_published": len(published),
            "outcomes_consumed": len(evidence.consumed_ids),
            "decisions_expected": len(expected),
            "decisions_found": len(evidence.decided),
            "parked": sum(evidence.parked.values()),
        },
        findings=tuple(findings),
    )


def _repeated(seen: Counter[Key]) -> list[str]:
    return [str(key) for key, times in seen.items() if times > 1]
