"""Ids that come out the same however often a thing is done, so that receivers can drop repeats."""

from __future__ import annotations

from uuid import UUID, uuid5

from notify.domain.organisations import RecipientId


def notice_id(outcome: UUID, recipient: RecipientId) -> UUID:
    """What one recipient is told about one outcome."""
    return uuid5(outcome, recipient)


def delivery_id(notice: UUID, endpoint: UUID) -> UUID:
    """That notice on one endpoint; also the `webhook-id`, the same at every attempt."""
    return uuid5(notice, str(endpoint))
