"""Whom an outcome concerns, before anybody decides whether they are told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from notify.domain.organisations import Kind, Recipient

UNASSIGNED = "fact.unassigned"


@dataclass(frozen=True, slots=True)
class Relations:
    """The organisations of one compound, as the outcome names them."""

    company: str | None = None
    community: str | None = None
    station: str | None = None
    committee: str | None = None
    developer: str | None = None
    street: str | None = None


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """What the registry knows beyond relations: who stands above stations, and who is told for all."""

    sub_bureau_of: Mapping[str, str] = field(default_factory=dict)
    stations: tuple[str, ...] = ()
    bureaus: tuple[str, ...] = ()
    construction_bureaus: tuple[str, ...] = ()


_RELATED = (Kind.COMPANY, Kind.COMMUNITY, Kind.STATION, Kind.COMMITTEE, Kind.DEVELOPER, Kind.STREET)


def audience(outcome_kind: str, relations: Relations, hierarchy: Hierarchy) -> list[Recipient]:
    """Every recipient an outcome concerns, each once; for each of them a decision is put on record.

    A fact without a compound has no relations and concerns every station, because one of them must find
    out where it belongs.
    """
    if outcome_kind == UNASSIGNED:
        return [Recipient(Kind.STATION, station) for station in hierarchy.stations]
    concerned = [
        Recipient(kind, organisation)
        for kind in _RELATED
        if (organisation := getattr(relations, kind.value)) is not None
    ]
    if relations.station is not None:
        above = hierarchy.sub_bureau_of.get(relations.station)
        if above is not None:
            concerned.append(Recipient(Kind.SUB_BUREAU, above))
    concerned += [Recipient(Kind.BUREAU, bureau) for bureau in hierarchy.bureaus]
    concerned += [Recipient(Kind.CONSTRUCTION_BUREAU, bureau) for bureau in hierarchy.construction_bureaus]
    return concerned
