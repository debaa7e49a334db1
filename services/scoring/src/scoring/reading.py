"""Records of the topics as values: what can never work is told apart, with the reason why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from functools import lru_cache
from typing import Any

from shared.events import registry as registered
from shared.events.catalogue import CATALOGUE, Family
from shared.events.envelope import Envelope, decode_envelope
from shared.events.errors import Malformed
from shared.events.rules import validate
from shared.events.topics import partition_for
from shared.runtime.consume import ParkedRecord, Record
from shared.runtime.errors import Rejected

from scoring.handlers.turns import in_turns
from scoring.ports import Arrival
from scoring.store.registry import CompanyRow, CompoundRow, OrganisationRow, RegistryRow
from scoring.translate import fact_from, fingerprint, instant_us


@dataclass(slots=True)
class FactsRead:
    """A batch of the facts topic, decoded; `newest` is the largest `receivedtime` in it."""

    arrivals: list[Arrival] = field(default_factory=list)
    parked: list[ParkedRecord] = field(default_factory=list)
    newest: datetime | None = None


@dataclass(slots=True)
class RegistryRead:
    """A batch of the registry topic, decoded."""

    compounds: list[CompoundRow] = field(default_factory=list)
    companies: list[CompanyRow] = field(default_factory=list)
    organisations: list[OrganisationRow] = field(default_factory=list)
    parked: list[ParkedRecord] = field(default_factory=list)
    newest: datetime | None = None


async def read_facts(records: Iterable[Record], zone: tzinfo, partitions: int) -> FactsRead:
    """Decode facts; `partitions` is how many the topic has, which decides where a fact belongs."""
    read = FactsRead()
    async for record in in_turns(records):
        try:
            arrival, received = _fact(record, zone, partitions)
        except Rejected as rejected:
            read.parked.append(ParkedRecord(record, rejected.code, rejected.detail))
            continue
        read.arrivals.append(arrival)
        if received is not None and (read.newest is None or received > read.newest):
            read.newest = received
    return read


def read_registry(records: Iterable[Record], partitions: int) -> RegistryRead:
    """Decode registry events; `partitions` is the number of partitions that facts have."""
    read = RegistryRead()
    for record in records:
        try:
            envelope, data, raw = _decoded(record, Family.REGISTRY)
        except Rejected as rejected:
            read.parked.append(ParkedRecord(record, rejected.code, rejected.detail))
            continue
        _keep(read, envelope, data, raw, partitions)
        received = envelope.receivedtime
        if received is not None and (read.newest is None or received > read.newest):
            read.newest = received
    return read


@lru_cache(maxsize=100_000)
def _partition(compound: str, partitions: int) -> int:
    return partition_for(compound.encode(), partitions)


def _fact(record: Record, zone: tzinfo, partitions: int) -> tuple[Arrival, datetime | None]:
    envelope, data, raw = _decoded(record, Family.FACT)
    if _partition(envelope.subject, partitions) != record.partition:
        # Its compound has another owner, so that it could be counted by nobody.
        raise Rejected("wrong_partition", "the subject belongs to another partition")
    fact = fact_from(envelope, data, zone)
    return Arrival(fact, record.partition, record.offset, raw), envelope.receivedtime


def _decoded(record: Record, family: Family) -> tuple[Envelope, Any, bytes]:
    if record.value is None:
        raise Rejected("no_value", "the record has no value")
    try:
        envelope = decode_envelope(record.value)
        event_type = CATALOGUE.get(envelope.type)
        if event_type is None or event_type.family is not family:
            raise Rejected("unknown_type", f"no type of the {family.value} topic")
        data = event_type.decode(envelope.data)
    except Malformed as malformed:
        raise Rejected(malformed.code, str(malformed)) from None
    violations = validate(event_type, data)
    if violations:
        raise Rejected(violations[0].code, str(violations[0]))
    return envelope, data, record.value


def _keep(read: RegistryRead, envelope: Envelope, data: object, raw: bytes, partitions: int) -> None:
    match data:
        case registered.CompoundRegistered():
            row = _row(envelope, data.effective_from.toordinal(), raw)
            partition = _partition(envelope.subject, partitions)
            read.compounds.append(
                CompoundRow(
                    row,
                    data.company_id,
                    partition,
                    data.name,
                    data.community_id,
                    data.station_id,
                    data.enrolled_on,
                    data.withdrawn_on,
                )
            )
        case registered.CompanyRegistered():
            read.companies.append(CompanyRow(_row(envelope, data.effective_from.toordinal(), raw), data.name))
        case registered.OrganisationRegistered():
            row = _row(envelope, data.effective_from.toordinal(), raw)
            read.organisations.append(OrganisationRow(row, data.kind, data.name, data.parent_id))


def _row(envelope: Envelope, effective_from: int, raw: bytes) -> RegistryRow:
    return RegistryRow(
        envelope.source,
        envelope.id,
        envelope.root,
        envelope.revision,
        effective_from,
        0 if envelope.receivedtime is None else instant_us(envelope.receivedtime),
        fingerprint(raw),
        envelope.subject,
        raw,
    )
