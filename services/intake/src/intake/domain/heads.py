"""Which revision of a fact is the newest, and who may put another on top."""

from __future__ import annotations

from dataclasses import dataclass

from intake.domain.roles import may_any
from intake.domain.verdicts import Fault, Grounds, Refusal


@dataclass(frozen=True, slots=True)
class Head:
    """The newest revision of one fact or registration, and who recorded the first.

    `recorder` is the organisation (or the actor alone), `rank` that of the acting role, `kind` None
    while only withdrawals are known, `event_id` the event that is the newest revision.
    """

    revision: int
    event_id: str
    recorder: str
    rank: int
    kind: str | None


@dataclass(frozen=True, slots=True)
class Correction:
    """A revision above the first that wants to become the head; `roles` are all of its sender."""

    event_id: str
    revision: int
    recorder: str
    rank: int
    kind: str
    withdraws: bool
    roles: frozenset[str] = frozenset()


NOT_THE_RECORDER = Refusal(
    Grounds.FORBIDDEN,
    "not_the_recorder",
    "Only the organisation that recorded it, or a higher role, may correct or withdraw it.",
    (Fault("/rootid", "not_the_recorder"),),
)
KIND_CHANGED = Refusal(
    Grounds.INVALID,
    "type_changed",
    "A correction keeps the type of what it corrects.",
    (Fault("/type", "type_changed"),),
)
SUBJECT_CHANGED = Refusal(
    Grounds.INVALID,
    "subject_changed",
    "A correction keeps the subject of what it corrects: withdraw that, and record it anew.",
    (Fault("/subject", "subject_changed"),),
)
MAY_NOT_WITHDRAW = Refusal(
    Grounds.FORBIDDEN,
    "role_not_allowed",
    "Only a role that may record this, or a higher one, may withdraw it.",
    (Fault("/rootid", "role_not_allowed"),),
)


def judge_correction(head: Head | None, correction: Correction) -> Refusal | None:
    """Why the correction may not follow that head, or None when it may.

    A correction may arrive before its original: then there is nothing to judge it by.
    """
    if head is None:
        return None
    if head.recorder != correction.recorder and head.rank >= correction.rank:
        return NOT_THE_RECORDER
    if head.kind is not None and not correction.withdraws and head.kind != correction.kind:
        return KIND_CHANGED
    if head.kind is not None and correction.withdraws and not _may_withdraw(head, head.kind, correction):
        return MAY_NOT_WITHDRAW
    # What is the head already was published by somebody who is gone, and may be published again.
    is_head = (head.revision, head.event_id) == (correction.revision, correction.event_id)
    if head.revision >= correction.revision and not is_head:
        return Refusal(
            Grounds.CONFLICT,
            "stale_revision",
            f"Revision {head.revision} is known already: correct that one.",
            (Fault("/revision", "stale_revision"),),
            current_revision=head.revision,
        )
    return None


def _may_withdraw(head: Head, kind: str, withdrawal: Correction) -> bool:
    """Withdrawals are for all; this one for those who may record what it withdraws, or stand higher."""
    return may_any(withdrawal.roles, kind) or withdrawal.rank > head.rank
