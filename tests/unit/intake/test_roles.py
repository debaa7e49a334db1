"""Who may send what, and as whom it is stamped."""

from itertools import pairwise
from pathlib import Path
from typing import get_args

import pytest
from intake.domain.permits import NO_ROLE, permit
from intake.domain.roles import MAY_SEND, ORDER, acting_role, highest_rank, rank
from shared.events.access import Role
from shared.events.catalogue import CATALOGUE, EventType
from shared.events.catalogue import Family as EventFamily

from tests.unit.intake.events import NOW, caller, offer

THROUGH_THE_DOOR = {
    known.kind: known
    for known in CATALOGUE.values()
    if known.family in {EventFamily.FACT, EventFamily.REGISTRY, EventFamily.ACCESS}
}


def written_by_hand() -> dict[str, dict[str, bool]]:
    """The table of the fixture: type -> role -> may."""
    lines = Path(__file__).with_name("who_may_send.txt").read_text(encoding="utf-8").splitlines()
    roles = [line.split()[-1] for line in lines if line.startswith("# ") and line.split()[-1] in ORDER]
    rows = [line.split() for line in lines if line and not line.startswith("#")]
    return {kind: dict(zip(roles, (mark == "x" for mark in marks), strict=True)) for kind, *marks in rows}


EXPECTED = written_by_hand()


def test_the_order_holds_every_role_of_the_contract() -> None:
    assert set(ORDER) == set(get_args(Role))


def test_the_table_holds_every_type_that_comes_through_the_door() -> None:
    assert set(MAY_SEND) == set(EXPECTED) == set(THROUGH_THE_DOOR)
    assert all(tuple(row) == ORDER for row in EXPECTED.values())


@pytest.mark.parametrize("known", THROUGH_THE_DOOR.values(), ids=THROUGH_THE_DOOR)
def test_every_role_by_every_type(known: EventType) -> None:
    sent = offer(type=known.name, kind=known.kind)
    for role, may in EXPECTED[known.kind].items():
        key = caller(role)
        verdict = permit(key, sent, None, NOW)
        assert (verdict is key, verdict is NO_ROLE) == (may, not may), role
        assert acting_role({role}, known.kind) == (role if may else None)


def test_nobody_sends_what_intake_says_itself() -> None:
    for kind in ("clock.observed", "evidence.stored"):
        assert acting_role(ORDER, kind) is None


def test_whoever_may_record_may_withdraw() -> None:
    facts = {known.kind for known in CATALOGUE.values() if known.family is EventFamily.FACT}
    for kind in facts - {"fact.withdrawn"}:
        assert MAY_SEND[kind] <= MAY_SEND["fact.withdrawn"]
    assert "registrar" not in MAY_SEND["fact.withdrawn"]


def test_the_acting_role_is_the_first_in_order_that_may_send() -> None:
    assert acting_role({"guard", "company", "officer"}, "hazard.opened") == "officer"
    assert acting_role({"guard", "company"}, "hazard.opened") == "company"
    assert acting_role({"officer", "guard"}, "patrol.logged") == "guard"
    assert acting_role(ORDER, "hazard.extended") == "station_chief"


def test_only_the_police_has_ranks_and_they_grow() -> None:
    ranks = [rank(role) for role in ("company", "officer", "station_chief", "sub_bureau")]
    assert all(lower < higher for lower, higher in pairwise(ranks))


def test_a_correction_stands_as_high_as_the_highest_role_that_may_send_it() -> None:
    assert highest_rank({"officer", "sub_bureau"}, "fact.withdrawn") == rank("sub_bureau")
    # The other role may not send this at all.
    assert highest_rank({"officer", "sub_bureau"}, "hazard.verified") == rank("officer")
    assert highest_rank({"company", "guard"}, "patrol.logged") == 0
    assert highest_rank({"console"}, "incident.recorded") == 0
