"""Who is told what: the table of the design, read from its other side."""

import pytest
from notify.domain.audience import Hierarchy, Relations, audience
from notify.domain.decide import NOT_CONCERNED, Action, decide
from notify.domain.organisations import Kind, Recipient, recipient_of
from notify.domain.policy import RULES, Signals, rule_for

HIERARCHY = Hierarchy(
    sub_bureau_of={"S1": "F1"}, stations=("S1", "S2", "S3"), bureaus=("G1",), construction_bureaus=("J9",)
)
RELATIONS = Relations(
    company="P01", community="Q03", station="S1", committee="Y017", developer="K02", street="T1"
)
ALL = set(Kind)


def told(signals: Signals) -> set[Kind]:
    return {kind for kind in Kind if rule_for(signals, kind) is not None}


def test_an_outcome_concerns_its_relations_and_those_above() -> None:
    assert {who.id for who in audience("star.changed", RELATIONS, HIERARCHY)} == {
        "company:P01",
        "community:Q03",
        "station:S1",
        "committee:Y017",
        "developer:K02",
        "street:T1",
        "sub_bureau:F1",
        "bureau:G1",
        "construction_bureau:J9",
    }


def test_nobody_is_made_up_for_a_relation_that_is_missing() -> None:
    some = Relations(company="P01", station="S9")
    assert {who.id for who in audience("star.changed", some, HIERARCHY)} == {
        "company:P01",
        "station:S9",
        "bureau:G1",
        "construction_bureau:J9",
    }


def test_a_fact_without_a_compound_concerns_every_station_and_nobody_else() -> None:
    found = audience("fact.unassigned", Relations(), HIERARCHY)
    assert [who.id for who in found] == ["station:S1", "station:S2", "station:S3"]


CONCERNED = {Kind.COMPANY, Kind.COMMITTEE, Kind.COMMUNITY}
ABOVE = {Kind.SUB_BUREAU, Kind.STREET, Kind.BUREAU}


@pytest.mark.parametrize(
    ("signals", "kinds"),
    [
        (Signals("inspection.assessed"), {Kind.COMPANY}),
        (Signals("score.updated"), {Kind.COMPANY}),
        (Signals("star.changed"), CONCERNED),
        (Signals("history.revised"), set()),
        (Signals("hazard.opened", hazard_class="ordinary", item="C1"), {Kind.COMPANY}),
        (Signals("hazard.opened", hazard_class="major", item="B3"), {Kind.COMPANY, Kind.COMMITTEE}),
        (
            Signals("hazard.opened", hazard_class="major", item="C1"),
            {Kind.COMPANY, Kind.COMMITTEE, Kind.DEVELOPER},
        ),
        (
            Signals("hazard.opened", hazard_class="ordinary", item="B2", repeat=True),
            {Kind.COMPANY, Kind.DEVELOPER},
        ),
        (Signals("hazard.due_soon", hazard_class="major", item="C1"), {Kind.COMPANY}),
        (Signals("hazard.overdue", hazard_class="immediate", item="C1"), {Kind.COMPANY}),
        (Signals("hazard.closed", hazard_class="major", item="C1"), {Kind.COMPANY}),
        (Signals("dispute.due"), {Kind.COMMUNITY}),
        (Signals("eligibility.changed", failed_clauses=frozenset({"occupancy"})), set()),
        (
            Signals("eligibility.changed", failed_clauses=frozenset({"construction_permit"})),
            {Kind.CONSTRUCTION_BUREAU},
        ),
        (Signals("threshold.near"), {Kind.STATION}),
        (Signals("veto.proposed"), {Kind.STATION}),
        (Signals("objection.filed"), {Kind.STATION}),
        (Signals("fact.unassigned"), {Kind.STATION}),
        (Signals("warning.raised", level="yellow"), CONCERNED),
        (Signals("warning.raised", level="red"), CONCERNED | ABOVE | {Kind.CONSTRUCTION_BUREAU}),
        (Signals("warning.cleared", level="yellow"), CONCERNED),
        (Signals("veto.applied"), ABOVE),
        (Signals("veto.lifted"), ABOVE),
        (Signals("assessment.drafted"), {Kind.COMPANY}),
        (Signals("assessment.published"), ALL),
        (Signals("assessment.objected"), {Kind.STATION, Kind.COMPANY}),
        (Signals("assessment.decided"), ALL),
    ],
)
def test_who_is_told(signals: Signals, kinds: set[Kind]) -> None:
    assert told(signals) == kinds


def test_history_wakes_nobody_but_for_what_the_assessment_demands() -> None:
    company = Recipient(Kind.COMPANY, "P01")
    silent = decide(Signals("star.changed", historical=True), company, reachable=True)
    assert (silent.action, silent.reason) == (Action.INBOX_ONLY, "historical")
    demanded = decide(Signals("assessment.decided", historical=True), company, reachable=True)
    assert demanded.action is Action.SENT
    assert demanded.mandatory


def test_who_has_no_endpoint_finds_it_in_the_inbox() -> None:
    decision = decide(Signals("star.changed"), Recipient(Kind.COMPANY, "P01"), reachable=False)
    assert (decision.action, decision.reason) == (Action.INBOX_ONLY, "no-endpoint")


def test_whom_it_concerns_and_is_not_told_is_on_record_too() -> None:
    decision = decide(Signals("score.updated"), Recipient(Kind.COMMITTEE, "Y1"), reachable=True)
    assert (decision.action, decision.rule, decision.noticed) == (Action.SUPPRESSED, NOT_CONCERNED, False)


def test_rules_have_names_of_their_own() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)


@pytest.mark.parametrize("text", ["", "company", "company:", "planet:P01", ":P01"])
def test_what_is_no_recipient(text: str) -> None:
    with pytest.raises(ValueError):
        recipient_of(text)
