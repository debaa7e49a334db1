"""Which correction may follow which head."""

import pytest
from intake.domain.heads import KIND_CHANGED, NOT_THE_RECORDER, Correction, Head, judge_correction
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
) -> Correction:
    return Correction(event_id, revision, recorder, rank, kind, withdraws=withdraws)


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
