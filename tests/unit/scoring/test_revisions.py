"""Which revision of a fact counts."""

from itertools import permutations

import pytest
from scoring.domain.facts import IncidentRecorded
from scoring.domain.registry import Registry
from scoring.domain.revisions import Choice, choose, counted

from tests.unit.scoring.making import book, day, fact, registration

STORED = fact(
    "incident.recorded", IncidentRecorded("010301", "filed"), 3, root="r", fingerprint=b"m", received_us=5
)


@pytest.mark.parametrize(
    ("changes", "choice"),
    [
        ({}, Choice.REPEAT),
        ({"received_us": 1}, Choice.REPEAT),
        ({"revision": 2, "fingerprint": b"z"}, Choice.REPLACES),
        ({"revision": 2, "fingerprint": b"z", "withdrawn": True, "data": None}, Choice.REPLACES),
        ({"fingerprint": b"z", "received_us": 6}, Choice.CONFLICT_KEPT),
        ({"fingerprint": b"z", "received_us": 4}, Choice.CONFLICT_REPLACES),
        ({"fingerprint": b"z"}, Choice.CONFLICT_KEPT),
        ({"fingerprint": b"a"}, Choice.CONFLICT_REPLACES),
        ({"fingerprint": b""}, Choice.REPEAT),
        ({"fingerprint": b"", "event_id": "other", "received_us": 6}, Choice.CONFLICT_KEPT),
    ],
)
def test_an_arriving_revision_is_judged(changes: dict[str, object], choice: Choice) -> None:
    assert choose(STORED, STORED._replace(**changes)) is choice


def test_an_older_revision_is_stale() -> None:
    assert choose(STORED._replace(revision=3), STORED._replace(revision=2, fingerprint=b"q")) is Choice.STALE


def test_the_counted_revision_does_not_depend_on_the_order() -> None:
    revisions = [
        STORED,
        STORED._replace(revision=2, fingerprint=b"b", received_us=9),
        STORED._replace(revision=2, fingerprint=b"a", received_us=9),
        STORED._replace(revision=2, fingerprint=b"c", received_us=10),
    ]
    assert {counted(order)["r"].fingerprint for order in permutations(revisions)} == {b"a"}


def test_registrations_are_in_force_by_day_receipt_and_id() -> None:
    registry = Registry(
        [
            registration(root="late", event_id="b", effective_from=day(10), received_us=7, households=3),
            registration(root="same", event_id="a", effective_from=day(10), received_us=7, households=2),
            registration(root="first", event_id="z", effective_from=day(5), received_us=9, households=1),
        ]
    )
    in_force = {age: registry.in_force(day(age)) for age in (0, 9, 10)}
    assert {age: one and one.households for age, one in in_force.items()} == {0: 1, 9: 1, 10: 3}


def test_a_corrected_registration_leaves_no_trace() -> None:
    wrong = registration(effective_from=day(10), households=5)
    registry = Registry([registration(root="old"), wrong, wrong._replace(revision=2, effective_from=day(20))])
    assert [one.households for one in map(registry.in_force, (day(10), day(20))) if one] == [1_000, 5]
    assert registry.boundaries == [day(0), day(20)]


def test_a_compound_that_nobody_registered_counts_nothing() -> None:
    made = book(STORED, registry=Registry([]))
    standing = made.standing(day(5))
    assert (standing.enrolled, standing.score_milli, standing.star) == (False, None, None)
    assert standing.eligibility.unknown == ("registration",)
