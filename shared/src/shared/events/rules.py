"""The rules between fields that a schema cannot say; each violation is a `Malformed` with a pointer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, tzinfo
from functools import cache
from types import MappingProxyType
from typing import Any, Final, get_args
from zoneinfo import ZoneInfo

import msgspec

from shared.events import access, facts, registry
from shared.events.catalogue import CATALOGUE, EventType, Family
from shared.events.envelope import YEARS, Envelope
from shared.events.errors import Malformed
from shared.events.fields import SUBJECT_PATTERN, UUID_PATTERN
from shared.events.taxonomy import KNOWN_CODES

# Milli-points a hazard may be charged with (contracts.md).
POINTS_BOUNDS: Final[Mapping[str, tuple[int, int]]] = MappingProxyType(
    {"immediate": (500, 3000), "ordinary": (250, 2000), "major": (1000, 3000), "capital": (500, 3000)}
)

_UUID: Final = re.compile(UUID_PATTERN)
_SUBJECT: Final = re.compile(SUBJECT_PATTERN)
_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s\x00-\x1f]+\Z")
_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}\Z")
_CHINA: Final = ZoneInfo("Asia/Shanghai")

Violations = Iterator[Malformed]


def validate(event_type: EventType | str, data: msgspec.Struct) -> list[Malformed]:
    """Violations of the rules inside the data of one event, with pointers under /data."""
    if isinstance(event_type, str):
        event_type = CATALOGUE[event_type]
    rule = _DATA_RULES.get(event_type.data)
    found = list(rule(data)) if rule else []
    if event_type.family is Family.FACT and (names := _date_fields(event_type.data)):
        found += _days(data, names)
    return found


def validate_envelope(
    event_type: EventType, envelope: Envelope, data: msgspec.Struct, zone: tzinfo = _CHINA
) -> list[Malformed]:
    """Violations of the rules about a sender's envelope, alone and together with its data.

    `zone` is the zone of the installation, whose date a patrol must carry.
    """
    return list(_envelope_rules(event_type, envelope, data, zone))


def _envelope_rules(
    event_type: EventType, envelope: Envelope, data: msgspec.Struct, zone: tzinfo
) -> Violations:
    if not _UUID.match(envelope.id):
        yield Malformed("pattern", "/id", "an id is a UUID")
    if not _URI.match(envelope.source):
        yield Malformed("pattern", "/source", "a source is an absolute URI")
    if not _SUBJECT.match(envelope.subject):
        yield Malformed("pattern", "/subject", "1 to 64 letters, digits, dots, dashes and underscores")
    if envelope.datacontenttype != "application/json":
        yield Malformed("unknown_value", "/datacontenttype", "data is JSON")
    if envelope.objectionid is not None and not 1 <= len(envelope.objectionid) <= 128:
        yield Malformed("length", "/objectionid", "too short or too long")
    if envelope.traceparent is not None and not _TRACEPARENT.match(envelope.traceparent):
        yield Malformed("pattern", "/traceparent", "not a W3C trace context")
    yield from _revision_rules(event_type, envelope)
    if (named := _named(data)) is not None and named != envelope.subject:
        yield Malformed("subject_mismatch", "/subject", "not the id of whom the data is about")
    if isinstance(data, facts.PatrolLogged) and data.date != envelope.time.astimezone(zone).date():
        yield Malformed("date_mismatch", "/data/date", "not the local date of the event's time")


def _named(data: msgspec.Struct) -> str | None:
    """The subject that an access event must have: its record is kept by it, and its data is looked up."""
    if isinstance(data, access.CredentialIssued | access.CredentialRevoked):
        return data.credential_id
    if isinstance(data, access.PersonGranted | access.PersonRevoked):
        return access.person_id(data.issuer, data.subject)
    return None


def _revision_rules(event_type: EventType, envelope: Envelope) -> Violations:
    if envelope.rootid is not None and not _UUID.match(envelope.rootid):
        yield Malformed("pattern", "/rootid", "a root id is a UUID")
    if event_type.data is facts.FactWithdrawn:
        if envelope.rootid is None:
            yield Malformed("missing", "/rootid", "a withdrawal names the fact by its root id")
        if envelope.revision < 2:
            yield Malformed("range", "/revision", "a withdrawal takes the next revision, 2 or more")
    elif envelope.revision > 1 and envelope.rootid is None:
        yield Malformed("missing", "/rootid", "a correction names the first revision by its root id")
    elif envelope.revision == 1 and envelope.root.lower() != envelope.id.lower():
        yield Malformed("range", "/revision", "the revision after the first is 2 or more")
    if event_type.family is Family.ACCESS and envelope.revision > 1:
        yield Malformed("range", "/revision", "access events have no revisions")


@cache
def _date_fields(struct: type[msgspec.Struct]) -> tuple[str, ...]:
    """The fields of a struct that are dates, or may be."""
    return tuple(one.name for one in msgspec.structs.fields(struct) if _may_be_date(one.type))


def _may_be_date(hint: Any) -> bool:
    return hint is date or any(map(_may_be_date, get_args(hint)))


def _days(data: msgspec.Struct, names: tuple[str, ...]) -> Violations:
    """Days of facts are computed with; those of the registry may well say 9999 for ever."""
    for name in names:
        value: date | None = getattr(data, name)
        if value is not None and value.year not in YEARS:
            yield Malformed("range", f"/data/{name}", "not within the years 1970 to 2200")


def _inspection(data: facts.InspectionRecorded) -> Violations:
    for number, check in enumerate(data.checks):
        if check.evidence and len(set(check.evidence)) != len(check.evidence):
            yield Malformed("duplicate", f"/data/checks/{number}/evidence", "a picture is named twice")


def _incident(data: facts.IncidentRecorded) -> Violations:
    if data.code not in KNOWN_CODES:
        yield Malformed("unknown_code", "/data/code", "the taxonomy has no such code")


def _hazard_opened(data: facts.HazardOpened) -> Violations:
    least, most = POINTS_BOUNDS[data.class_]
    if not least <= data.points_milli <= most:
        yield Malformed(
            "range", "/data/points_milli", f"a hazard of this class is charged {least} to {most} milli-points"
        )
    if data.reopens == data.hazard_id:
        yield Malformed("self_reference", "/data/reopens", "reopening takes a new hazard id")


def _facility_status(data: facts.FacilityStatus) -> Violations:
    if data.online > data.total:
        yield Malformed("range", "/data/online", "more devices online than there are")


def _dispute(data: facts.DisputeRecorded) -> Violations:
    if data.code not in KNOWN_CODES:
        yield Malformed("unknown_code", "/data/code", "the taxonomy has no such code")


def _survey(data: facts.SurveyRecorded) -> Violations:
    if data.satisfied > data.asked:
        yield Malformed("range", "/data/satisfied", "more residents satisfied than asked")


def _objection(data: facts.ObjectionFiled) -> Violations:
    if len({root.lower() for root in data.against}) != len(data.against):
        yield Malformed("duplicate", "/data/against", "a fact is named twice")


def _compound(data: registry.CompoundRegistered) -> Violations:
    if data.occupied_households > data.households:
        yield Malformed("range", "/data/occupied_households", "more households occupied than there are")
    if data.withdrawn_on is not None:
        if data.enrolled_on is None:
            yield Malformed("missing", "/data/enrolled_on", "only an enrolled compound can withdraw")
        elif data.withdrawn_on < data.enrolled_on:
            yield Malformed("range", "/data/withdrawn_on", "withdrawn before it was enrolled")


def _company(data: registry.CompanyRegistered) -> Violations:
    for name in ("construction_permit", "market_registration"):
        permit: registry.Permit = getattr(data, name)
        if permit.valid_to < permit.valid_from:
            yield Malformed("range", f"/data/{name}/valid_to", "ends before it begins")


def _revoked(data: access.CredentialRevoked) -> Violations:
    if data.credential.credential_id != data.credential_id:
        yield Malformed("id_mismatch", "/data/credential/credential_id", "not the credential that is revoked")


def _person_revoked(data: access.PersonRevoked) -> Violations:
    if (data.person.issuer, data.person.subject) != (data.issuer, data.subject):
        yield Malformed("id_mismatch", "/data/person", "not the person who is revoked")


def _valid_period(data: access.CredentialIssued | access.PersonGranted) -> Violations:
    if data.valid_to is not None and data.valid_to < data.valid_from:
        yield Malformed("range", "/data/valid_to", "ends before it begins")


_DATA_RULES: Final[Mapping[type[msgspec.Struct], Callable[[Any], Violations]]] = MappingProxyType(
    {
        facts.InspectionRecorded: _inspection,
        facts.IncidentRecorded: _incident,
        facts.HazardOpened: _hazard_opened,
        facts.FacilityStatus: _facility_status,
        facts.DisputeRecorded: _dispute,
        facts.SurveyRecorded: _survey,
        facts.ObjectionFiled: _objection,
        registry.CompoundRegistered: _compound,
        registry.CompanyRegistered: _company,
        access.CredentialIssued: _valid_period,
        access.CredentialRevoked: _revoked,
        access.PersonGranted: _valid_period,
        access.PersonRevoked: _person_revoked,
    }
)
