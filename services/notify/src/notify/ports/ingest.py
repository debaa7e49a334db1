"""What deciding needs: outcomes as values, the registry, endpoints, and somebody who writes letters."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from notify.domain.audience import Hierarchy, Relations
from notify.domain.decide import Decision
from notify.domain.organisations import RecipientId
from notify.domain.policy import Signals


@dataclass(frozen=True, slots=True)
class Outcome:
    """One outcome as it was read; `data` is its contract struct, which only edges look into."""

    id: UUID
    type: str
    subject: str
    occurred_at: datetime
    relations: Relations
    signals: Signals
    data: Any
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class EndpointChoice:
    """An endpoint of a recipient and the types its owner wants there; None means all."""

    id: UUID
    types: frozenset[str] | None

    def takes(self, outcome_type: str) -> bool:
        return self.types is None or outcome_type in self.types


@dataclass(frozen=True, slots=True)
class Letter:
    """What a recipient will read, rendered once: the bytes that every attempt sends."""

    payload: bytes
    template_version: str


@dataclass(frozen=True, slots=True)
class Notice:
    """One entry of a recipient's inbox."""

    id: UUID
    outcome: Outcome
    decision: Decision
    letter: Letter


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """A notice for one endpoint."""

    id: UUID
    notice: Notice
    endpoint: UUID


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything one batch of outcomes will write, complete before the transaction begins."""

    outcomes: Sequence[Outcome]
    decisions: Sequence[tuple[Outcome, Decision]]
    notices: Sequence[Notice]
    deliveries: Sequence[NewDelivery]


class Register(Protocol):
    """What the registry says about organisations and compounds today."""

    async def hierarchy(self, stations: Collection[str], *, every_station: bool) -> Hierarchy:
        """Sub-bureaus above those stations, and who is told for all; all stations when asked for."""
        ...

    async def names(self, entities: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], str]:
        """Names by (kind, id); what is not registered yet is left out."""
        ...


class EndpointBook(Protocol):
    """Which endpoints recipients have."""

    async def choices(
        self, recipients: Collection[RecipientId]
    ) -> Mapping[RecipientId, Sequence[EndpointChoice]]:
        """Endpoints that are not switched off by their owner; recipients without one are left out."""
        ...


class LetterWriter(Protocol):
    """Puts an outcome into words."""

    def write(
        self, outcome: Outcome, decision: Decision, notice: UUID, names: Mapping[tuple[str, str], str]
    ) -> Letter:
        """Never fails: a broken template gives the plain form."""
        ...
