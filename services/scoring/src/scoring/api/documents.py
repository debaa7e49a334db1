"""The bodies of answers, as they are in the OpenAPI document."""

from __future__ import annotations

from datetime import date, datetime

import msgspec


class CapBody(msgspec.Struct, frozen=True):
    """A veto in force and the highest star it leaves."""

    veto: str
    cap: int


class ScoreBody(msgspec.Struct, frozen=True, kw_only=True):
    """The score of one compound on one day; `score_milli` is null while not enrolled, stars while not rated.

    `closed` false: the day is open or lies ahead, and the score is provisional or a projection.
    """

    compound: str
    day: date
    closed: bool
    rubric: str
    score_milli: int | None
    star: int | None
    dynamic_star: int | None
    categories: dict[str, int]
    items: dict[str, int]
    bonus_milli: int
    unverified: list[str]
    caps: list[CapBody]
    version: int


class CompoundBody(msgspec.Struct, frozen=True, kw_only=True):
    """A compound as it stands on its open day; `warning` is yellow, red or none.

    `overdue_hazards` are the ids of the open ones whose due day is over.
    """

    id: str
    name: str
    day: date
    score_milli: int | None
    star: int | None
    dynamic_star: int | None
    rated: bool
    enrolled: bool
    categories: dict[str, int]
    bonus_milli: int
    unverified: list[str]
    caps: list[CapBody]
    warning: str | None
    overdue_hazards: list[str]
    company_id: str
    community_id: str
    station_id: str
    next_change_day: date | None
    version: int
    changed_at: datetime


class CompoundsBody(msgspec.Struct, frozen=True, kw_only=True):
    """A page of compounds; `next` is given as `after` to get the one that follows."""

    items: list[CompoundBody]
    total: int
    next: str | None


class EligibilityBody(msgspec.Struct, frozen=True):
    """Clauses that failed, and those that cannot be judged because something was never registered."""

    failed: list[str]
    unknown: list[str]


class RegisteredBody(msgspec.Struct, frozen=True, kw_only=True):
    """What the registry says of a compound today."""

    households: int
    occupied_households: int
    buildings: int
    enclosed: bool
    enrolled_on: date | None
    withdrawn_on: date | None
    company_name: str | None
    committee_id: str | None
    developer_id: str | None
    street_id: str | None
    eligibility: EligibilityBody


class CompoundDetailBody(CompoundBody, frozen=True, kw_only=True):
    """A compound with its items and what the registry says of it."""

    items: dict[str, int]
    registered: RegisteredBody


class StepBody(msgspec.Struct, frozen=True, kw_only=True):
    """A closed day on which something changed; it holds until the next step."""

    day: date
    score_milli: int | None
    star: int | None
    dynamic_star: int | None
    items: dict[str, int]
    bonus_milli: int
    caps: list[CapBody]


class HistoryBody(msgspec.Struct, frozen=True, kw_only=True):
    """The closed days of a compound as steps; the first may lie before `from`: it is in force then."""

    compound: str
    rubric: str
    first_day: date
    last_day: date
    closed_day: date | None
    steps: list[StepBody]


class RubricBody(msgspec.Struct, frozen=True, kw_only=True):
    """A rubric: `hash` is the SHA-256 of its text, `active` the one that scores."""

    name: str
    title: str
    hash: str
    active: bool
    added_at: datetime
    full_milli: int
    items: dict[str, int]


class RubricsBody(msgspec.Struct, frozen=True):
    """All rubrics, oldest first."""

    rubrics: list[RubricBody]


class PartitionBody(msgspec.Struct, frozen=True, kw_only=True):
    """How far one partition is read and scored; done when `cursor` has reached `end` and nothing waits."""

    topic: str
    partition: int
    cursor: int
    end: int
    outbox: int
    pending: int


class ProgressBody(msgspec.Struct, frozen=True):
    """All partitions, whichever process owns them."""

    partitions: list[PartitionBody]


class OrganisationBody(msgspec.Struct, frozen=True, kw_only=True):
    """A name for an id."""

    kind: str
    id: str
    name: str
    parent_id: str | None


class OrganisationsBody(msgspec.Struct, frozen=True):
    """Organisations and companies as they are named today."""

    items: list[OrganisationBody]
