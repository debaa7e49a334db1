"""What a second post of an id is told."""

from __future__ import annotations

from intake.domain.verdicts import Grounds, Receipt, Refusal, Status, Verdict, refused


def after(first: Verdict, first_fingerprint: bytes, fingerprint: bytes) -> Verdict | None:
    """The verdict of a second post of an id, from how the first ended.

    None: the first decides nothing for other content, because it was not stored.
    """
    if first.receipt is not None:
        return replay(first.receipt, fingerprint)
    if first_fingerprint == fingerprint or first.status is Status.RETRY:
        return first
    return None


def replay(stored: Receipt, fingerprint: bytes) -> Verdict:
    """The verdict for an id that was stored before: its receipt, or a conflict of contents."""
    if stored.fingerprint == fingerprint:
        return Verdict(Status.REPLAYED, receipt=stored)
    return refused(conflict(fingerprint, stored.fingerprint))


def conflict(fingerprint: bytes, stored: bytes) -> Refusal:
    """Same id, other content: both fingerprints are shown, so that an app can offer a choice."""
    return Refusal(
        Grounds.CONFLICT,
        "id_conflict",
        "This id was sent before with other content.",
        fingerprint=fingerprint.hex(),
        stored_fingerprint=stored.hex(),
    )
