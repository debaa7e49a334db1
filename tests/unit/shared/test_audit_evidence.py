"""The audit sees one lost and one doubled row at every hand-over; one that cannot fail proves nothing."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest
from shared.demo.audit.evidence import Evidence, judge

FACT = ("urn:device:1", "a")
OTHER = ("urn:device:1", "b")


def clean() -> Evidence:
    return Evidence(
        answered=frozenset({FACT, OTHER}),
        on_topic=Counter({FACT: 2, OTHER: 1}),  # a repeat on the topic is allowed
        counted=Counter({FACT: 1, OTHER: 1}),
        given_out={0: (1, 2), 1: (1, 0)},
        published=Counter({(1, 0, 1): 1, (1, 0, 2): 2}),  # so is a repeated sequence
        published_ids={(1, 0, 1): frozenset({"o1"}), (1, 0, 2): frozenset({"o2"})},
        consumed={0: (1, 2)},
        consumed_ids=Counter({"o1": 1, "o2": 1}),
        audience={"o1": frozenset({"company:P1", "station:S1"}), "o2": frozenset({"company:P1"})},
        decided=Counter({("o1", "company:P1"): 1, ("o1", "station:S1"): 1, ("o2", "company:P1"): 1}),
        parked={"scoring": 0, "notify": 0},
    )


def without(counter: Counter, key: object) -> Counter:
    return Counter({k: n for k, n in counter.items() if k != key})


FAULTS: list[tuple[str, Callable[[Evidence], Evidence]]] = [
    ("answered but not on the topic", lambda e: replace(e, on_topic=without(e.on_topic, OTHER))),
    ("on the topic but never answered", lambda e: replace(e, answered=frozenset({FACT}))),
    ("on the topic but not counted", lambda e: replace(e, counted=without(e.counted, FACT))),
    ("counted but not on the topic", lambda e: replace(e, counted=e.counted + Counter({("x", "y"): 1}))),
    ("counted more than once", lambda e: replace(e, counted=e.counted + Counter({FACT: 1}))),
    ("sequence given out but not published", lambda e: replace(e, published=without(e.published, (1, 0, 1)))),
    (
        "sequence published but never given out",
        lambda e: replace(e, published=e.published + Counter({(1, 0, 3): 1})),
    ),
    (
        "one sequence under two ids",
        lambda e: replace(e, published_ids={**e.published_ids, (1, 0, 1): frozenset({"o1", "o9"})}),
    ),
    ("partition not consumed to its last sequence", lambda e: replace(e, consumed={0: (1, 1)})),
    ("outcome published but not consumed", lambda e: replace(e, consumed_ids=without(e.consumed_ids, "o1"))),
    (
        "outcome consumed but not published",
        lambda e: replace(e, consumed_ids=e.consumed_ids + Counter({"o9": 1})),
    ),
    (
        "outcome consumed more than once",
        lambda e: replace(e, consumed_ids=e.consumed_ids + Counter({"o1": 1})),
    ),
    (
        "recipient without a decision",
        lambda e: replace(e, decided=without(e.decided, ("o1", "station:S1"))),
    ),
    (
        "decision taken twice",
        lambda e: replace(e, decided=e.decided + Counter({("o1", "station:S1"): 1})),
    ),
    ("records parked", lambda e: replace(e, parked={"scoring": 1})),
]


def test_agreeing_evidence_is_clean() -> None:
    verdict = judge(clean())
    assert verdict.clean
    assert verdict.figures == {
        "answered": 2,
        "on_topic": 2,
        "counted": 2,
        "sequences_given_out": 2,
        "sequences_published": 2,
        "outcomes_consumed": 2,
        "decisions_expected": 3,
        "decisions_found": 3,
        "parked": 0,
    }


@pytest.mark.parametrize(("rule", "fault"), FAULTS, ids=[rule for rule, _ in FAULTS])
def test_one_lost_or_doubled_row_is_named(rule: str, fault: Callable[[Evidence], Evidence]) -> None:
    verdict = judge(fault(clean()))
    assert not verdict.clean
    assert rule in {finding.rule for finding in verdict.findings}
    assert all(finding.samples for finding in verdict.findings)
