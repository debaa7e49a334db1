"""Endpoints as deciding sees them: who can be reached where, and for which types."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from notify.domain.organisations import RecipientId
from notify.ports import EndpointChoice
from notify.store.steady import Fetch

_CHOICES = """
SELECT endpoint.recipient_id, endpoint.id, endpoint.types
FROM endpoint JOIN lane ON lane.endpoint_id = endpoint.id
WHERE endpoint.recipient_id = ANY($1::text[]) AND lane.state <> 'disabled'
ORDER BY endpoint.created_at, endpoint.id
"""


class EndpointStore:
    """Reads choices for a batch of outcomes."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch

    async def choices(
        self, recipients: Collection[RecipientId]
    ) -> Mapping[RecipientId, Sequence[EndpointChoice]]:
        found: dict[RecipientId, list[EndpointChoice]] = {}
        for row in await self._fetch(_CHOICES, list(recipients)):
            types = frozenset(row["types"]) if row["types"] is not None else None
            found.setdefault(RecipientId(row["recipient_id"]), []).append(EndpointChoice(row["id"], types))
        return found
