"""Who is who: full state of each entity from a day on, topic `anxing.registry.v1`."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from msgspec import Meta

from shared.events.fields import Count, EntityId, Name, Sent


class Location(Sent, frozen=True, kw_only=True):
    """A point on the map, WGS 84 degrees."""

    longitude: Annotated[float, Meta(ge=-180, le=180)]
    latitude: Annotated[float, Meta(ge=-90, le=90)]


class CompoundRegistered(Sent, frozen=True, kw_only=True):
    """A residential compound as it is from `effective_from` on; the subject is its id."""

    name: Name
    households: Count
    occupied_households: Count
    buildings: Count
    enclosed: bool
    enrolled_on: date | None = None
    withdrawn_on: date | None = None
    company_id: EntityId
    community_id: EntityId
    station_id: EntityId
    street_id: EntityId | None = None
    developer_id: EntityId | None = None
    committee_id: EntityId | None = None
    location: Location | None = None
    effective_from: date


class Permit(Sent, frozen=True, kw_only=True):
    """A permit or registration, valid on both of its days."""

    number: Name
    valid_from: date
    valid_to: date


class CompanyRegistered(Sent, frozen=True, kw_only=True):
    """A property company with the two papers that eligibility asks for."""

    name: Name
    construction_permit: Permit
    market_registration: Permit
    headquarters: Name | None = None
    effective_from: date


class OrganisationRegistered(Sent, frozen=True, kw_only=True):
    """Any other organisation that is concerned; `parent_id` builds the police hierarchy."""

    kind: Literal[
        "bureau",
        "sub_bureau",
        "station",
        "community",
        "committee",
        "developer",
        "street",
        "construction_bureau",
    ]
    name: Name
    parent_id: EntityId | None = None
    effective_from: date
