"""Which correction may follow which head."""

import pytest
from intake.domain.heads import (
    KIND_CHANGED,
    MAY_NOT_WITHDRAW,
    NOT_THE_RECORDER,
    Correction,
    Head,
    judge_correction,
)
from intake.domain.verdicts import Grounds

HEAD = Head(revision=3, event_id="e3", recorder="S1", rank=1, kind="incident.recorded")


def correction(
    event_id: str = "e4",
    revision: int = 4,
    recorder: str = "S1",
    rank: int = 1,
    kind: str = "incident.recorded",
    *,
    withdraws: bool = False,
    roles: frozenset[str] = frozenset({"officer"}),
) -> Correction:
    return Correction(event_id, revision, recorder, rank, kind, withdraws=withdraws, roles=roles)


def test_the_next_revision_of_the_recorder_follows() -> None:
    assert judge_correction(HEAD, correction()) is None
    assert judge_correction(HEAD, correction(revision=9)) is None


@pytest.mark.parametrize("revision", [2, 3])
def test_a_stale_revision_names_the_current_one(revision: int) -> None:
    refusal = judge_correction(HEAD, correction(revision=revision))
    assert refusal is not None
    assert refusal.grounds is Grounds.CONFLICT
    assert refusal.current_revision == 3
    assert refusal.faults[0].pointer == "/revision"


def test_the_head_itself_may_come_again() -> None:
    assert judge_correction(HEAD, correction(event_id="e3", revision=3)) is None


def test_the_id_of_the_head_opens_no_door_to_others() -> None:
    stranger = correction(event_id="e3", revision=3, recorder="S2")
    assert judge_correction(HEAD, stranger) is NOT_THE_RECORDER
    refusal = judge_correction(HEAD, correction(event_id="e3", revision=2))
    assert refusal is not None
    assert refusal.code == "stale_revision"


def test_another_organisation_needs_a_higher_role() -> None:
    assert judge_correction(HEAD, correction(recorder="S2", rank=1)) is NOT_THE_RECORDER
    assert judge_correction(HEAD, correction(recorder="P1", rank=0)) is NOT_THE_RECORDER
    assert judge_correction(HEAD, correction(recorder="S2", rank=2)) is None
    # A lower role of the same organisation may.
    assert judge_correction(HEAD, correction(rank=0)) is None


def test_a_correction_keeps_the_type_and_a_withdrawal_has_its_own() -> None:
    assert judge_correction(HEAD, correction(kind="dispute.recorded")) is KIND_CHANGED
    assert judge_correction(HEAD, correction(kind="fact.withdrawn", withdraws=True)) is None


def test_a_correction_before_its_original_has_nothing_to_be_judged_by() -> None:
    assert judge_correction(None, correction(recorder="P9", rank=0)) is None


@pytest.mark.parametrize(
    ("kind", "head_rank", "roles", "rank", "may"),
    [
        # An officer of the same station takes nothing back that only its chief may say.
        ("hazard.extended", 2, {"officer"}, 1, False),
        ("hazard.extended", 2, {"station_chief"}, 2, True),
        ("hazard.extended", 2, {"officer", "station_chief"}, 2, True),
        ("veto.confirmed", 3, {"officer", "station_chief"}, 2, False),
        ("veto.confirmed", 3, {"sub_bureau"}, 3, True),
        ("guards.updated", 0, {"guard"}, 0, False),
        ("guards.updated", 0, {"company"}, 0, True),
        # A higher role may, though it does not record such things itself.
        ("guards.updated", 0, {"officer"}, 1, True),
        ("hazard.verified", 1, {"sub_bureau"}, 3, True),
    ],
)
def test_a_withdrawal_is_for_those_who_may_record_it_or_stand_higher(
    kind: str, head_rank: int, roles: set[str], rank: int, may: bool
) -> None:
    head = Head(revision=1, event_id="e1", recorder="S1", rank=head_rank, kind=kind)
    withdrawal = correction(kind="fact.withdrawn", withdraws=True, roles=frozenset(roles), rank=rank)
    assert judge_correction(head, withdrawal) is (None if may else MAY_NOT_WITHDRAW)
