"""The invented district: the counts of the plan, repeatable, and nothing in it twice."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from shared.demo.district import build_district, registrations
from shared.demo.plan import Plan
from shared.events import registry
from shared.events.catalogue import lookup
from shared.events.envelope import decode_envelope

TODAY = date(2026, 11, 24)


def test_counts_of_the_plan() -> None:
    district = build_district(seed=7, today=TODAY)
    assert len(district.compounds) == 58
    assert len(district.companies) == 24
    assert {c.company_id for c in district.compounds} == {c.id for c in district.companies}
    kinds = [organisation.kind for _, organisation in district.organisations]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {
        "bureau": 1,
        "sub_bureau": 1,
        "station": 1,
        "street": 1,
        "construction_bureau": 1,
        "community": 9,
        "developer": 6,
        "committee": 58,
    }


def test_the_same_seed_and_day_give_the_same_district() -> None:
    assert build_district(seed=7, today=TODAY) == build_district(seed=7, today=TODAY)
    assert build_district(seed=8, today=TODAY) != build_district(seed=7, today=TODAY)


@pytest.mark.parametrize("scale", [0.05, 1.0, 10.0])
def test_names_and_ids_are_unique(scale: float) -> None:
    district = build_district(seed=7, today=TODAY, scale=scale)
    named = [(c.id, c.name) for c in (*district.compounds, *district.companies)]
    named += [
        (organisation_id, organisation.name) for organisation_id, organisation in district.organisations
    ]
    assert len({thing_id for thing_id, _ in named}) == len(named)
    assert len({name for _, name in named}) == len(named)


def test_relations_of_every_compound_are_registered() -> None:
    district = build_district(seed=7, today=TODAY)
    registered = {event.subject for event in registrations(district)}
    for compound in district.compounds:
        assert {compound.company_id, compound.community_id, compound.developer_id} <= registered
        assert compound.committee_id in registered
    parents = {organisation.parent_id for _, organisation in district.organisations} - {None}
    assert parents <= registered


def test_every_kind_of_exception_is_there() -> None:
    district = build_district(seed=7, today=TODAY)
    permits = {company.id: company.permit_to for company in district.companies}
    without_permit = [c for c in district.compounds if permits[c.company_id] < TODAY]
    assert len(without_permit) == 1
    assert len([c for c in district.compounds if 2 * c.occupied <= c.households]) == 1
    assert len([c for c in district.compounds if TODAY - c.enrolled_on < timedelta(days=90)]) == 1
    assert len([c for c in district.compounds if c.late]) == 1
    assert len([c for c in district.compounds if c.former_company_id]) == 2


def test_a_change_of_company_is_a_second_revision_in_force_later() -> None:
    district = build_district(seed=7, today=TODAY)
    changed = next(c for c in district.compounds if c.former_company_id)
    revisions = [
        lookup(event.type).decode(decode_envelope(event.raw).data)
        for event in registrations(district)
        if event.subject == changed.id
    ]
    assert [r.company_id for r in revisions] == [changed.former_company_id, changed.company_id]
    assert revisions[0].effective_from < revisions[1].effective_from
    assert all(isinstance(r, registry.CompoundRegistered) for r in revisions)


def test_late_compounds_are_registered_apart() -> None:
    district = build_district(seed=7, today=TODAY)
    late = {c.id for c in district.compounds if c.late}
    assert {event.subject for event in registrations(district, late=True)} == late
    assert late.isdisjoint(event.subject for event in registrations(district))


def test_a_plan_scales_and_keeps_at_least_one_of_everything() -> None:
    large, small = Plan().scaled(10), Plan().scaled(0.01)
    assert (large.compounds, large.this_year.valid) == (580, 8520)
    assert small.compounds == 6
    assert min(small.communities, small.hazards, small.objections, small.companies) >= 1
