"""Who can be told: organisations by kind, and the id a recipient has."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

RecipientId = NewType("RecipientId", str)
"""`kind:organisation`, for example `company:P01`: readable in every log and table."""


class Kind(StrEnum):
    """Kinds of recipients; the values are those of the registry and of `relations`."""

    COMPANY = "company"
    COMMUNITY = "community"
    STATION = "station"
    COMMITTEE = "committee"
    DEVELOPER = "developer"
    STREET = "street"
    SUB_BUREAU = "sub_bureau"
    BUREAU = "bureau"
    CONSTRUCTION_BUREAU = "construction_bureau"


POLICE = frozenset({Kind.STATION, Kind.SUB_BUREAU, Kind.BUREAU})
"""They may read codes of single incidents; everybody else sees counts by class."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """One organisation that may be told something."""

    kind: Kind
    organisation: str

    @property
    def id(self) -> RecipientId:
        """The id under which notices, endpoints and decisions are kept."""
        return RecipientId(f"{self.kind}:{self.organisation}")


def recipient_of(text: str) -> Recipient:
    """The recipient with that id; raises ValueError when it is none."""
    kind, separator, organisation = text.partition(":")
    if not separator or not organisation:
        raise ValueError("a recipient is written kind:organisation")
    return Recipient(Kind(kind), organisation)
