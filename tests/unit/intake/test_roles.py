"""Who may send what, and as whom it is stamped."""

from datetime import timedelta
from itertools import pairwise
from typing import get_args

import pytest
from intake.domain.callers import (
    AFTER_EXPIRY,
    NO_ROLE,
    OUT_OF_SCOPE,
    TYPE_NOT_ALLOWED,
    Placement,
    Reach,
    permit,
)
from intake.domain.offers import Family
from intake.domain.roles import MAY_SEND, ORDER, acting_role, rank
from shared.events.access import Role
from shared.events.catalogue import CATALOGUE
from shared.events.catalogue import Family as EventFamily

from tests.unit.intake.events import NOW, caller, offer

PLACEMENTS = {"C00017": Placement("M1", "S1")}


def test_the_order_holds_every_role_of_the_contract() -> None:
    assert set(ORDER) == set(get_args(Role))


def test_the_table_holds_every_type_that_comes_through_the_door() -> None:
    families = {EventFamily.FACT, EventFamily.REGISTRY, EventFamily.ACCESS}
    assert set(MAY_SEND) == {known.kind for known in CATALOGUE.values() if known.family in families}


@pytest.mark.parametrize(
    ("kind", "may", "may_not"),
    [
        ("veto.confirmed", {"sub_bureau"}, {"officer", "station_chief", "admin", "company"}),
        ("hazard.extended", {"station_chief"}, {"officer", "sub_bureau", "company"}),
        ("hazard.verified", {"officer"}, {"company", "guard", "community", "registrar"}),
        ("hazard.rejected", {"officer"}, {"company", "guard", "community"}),
        ("patrol.logged", {"company", "guard"}, {"officer", "community"}),
        ("guards.updated", {"company"}, {"guard", "officer"}),
        ("compound.registered", {"registrar"}, {"admin", "sub_bureau", "officer"}),
        ("credential.issued", {"admin"}, {"registrar", "sub_bureau"}),
        ("inspection.recorded", {"officer", "station_chief"}, {"company", "building_head"}),
        ("facility.upgraded", {"officer"}, {"company"}),
    ],
)
def test_roles_of_the_design(kind: str, may: set[str], may_not: set[str]) -> None:
    assert may <= MAY_SEND[kind]
    assert not may_not & MAY_SEND[kind]


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


def test_a_key_is_held_to_its_types_and_roles() -> None:
    sent = offer()
    assert permit(caller(), sent, {}) is None
    only_hazards = caller(event_types=frozenset({"anxing.hazard.opened.v1"}))
    assert permit(only_hazards, sent, {}) is TYPE_NOT_ALLOWED
    assert permit(caller("guard"), sent, {}) is NO_ROLE


@pytest.mark.parametrize(
    "reach",
    [
        Reach(everything=True),
        Reach(compounds=frozenset({"C00017"})),
        Reach(communities=frozenset({"M1"})),
        Reach(stations=frozenset({"S1"})),
        Reach(compounds=frozenset({"C1"}), stations=frozenset({"S1"})),
    ],
)
def test_inside_the_scope(reach: Reach) -> None:
    assert permit(caller(reach=reach), offer(), PLACEMENTS) is None


@pytest.mark.parametrize(
    "reach",
    [
        Reach(),
        Reach(compounds=frozenset({"C00018"})),
        Reach(communities=frozenset({"M2"})),
        Reach(stations=frozenset({"S2"}), communities=frozenset({"S1"})),
    ],
)
def test_outside_the_scope(reach: Reach) -> None:
    assert permit(caller(reach=reach), offer(), PLACEMENTS) is OUT_OF_SCOPE


def test_an_unknown_compound_is_reached_by_its_own_id_only() -> None:
    sent = offer(subject="C9")
    assert permit(caller(reach=Reach(compounds=frozenset({"C9"}))), sent, PLACEMENTS) is None
    assert permit(caller(reach=Reach(stations=frozenset({"S1"}))), sent, PLACEMENTS) is OUT_OF_SCOPE


def test_a_registrar_registers_where_the_key_reaches() -> None:
    registration = offer(
        family=Family.REGISTRY,
        kind="compound.registered",
        type="anxing.compound.registered.v1",
        subject="C9",
        place=("M1", "S1"),
    )
    assert permit(caller("registrar", reach=Reach(stations=frozenset({"S1"}))), registration, {}) is None
    elsewhere = caller("registrar", reach=Reach(stations=frozenset({"S2"})))
    assert permit(elsewhere, registration, {}) is OUT_OF_SCOPE


def test_companies_and_keys_need_a_key_that_reaches_everything() -> None:
    company = offer(
        family=Family.REGISTRY, kind="company.registered", type="anxing.company.registered.v1", subject="P1"
    )
    narrow = Reach(compounds=frozenset({"P1"}), stations=frozenset({"S1"}))
    assert permit(caller("registrar", reach=narrow), company, PLACEMENTS) is OUT_OF_SCOPE
    assert permit(caller("registrar"), company, {}) is None


def test_an_expired_key_brings_only_what_happened_before() -> None:
    expired = caller(valid_to=NOW)
    assert permit(expired, offer(occurred_at=NOW - timedelta(seconds=1)), {}) is None
    assert permit(expired, offer(occurred_at=NOW), {}) is AFTER_EXPIRY
