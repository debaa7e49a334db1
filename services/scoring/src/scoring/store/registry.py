"""The registry as it was told: every revision of every entity, and which of them count."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from typing import NamedTuple, TypeAlias

import asyncpg
from shared.events.catalogue import lookup
from shared.events.envelope import decode_envelope

from scoring.domain.facts import Day
from scoring.domain.registry import Assessed, CompanyRevision, CompoundRevision, Registry
from scoring.handlers.plan import NewWork
from scoring.ports import REGISTERED
from scoring.store import work
from scoring.translate import company_revision_from, compound_revision_from

# asyncpg's classes are generic in their stubs only.
Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
Transaction: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


class RegistryRow(NamedTuple):
    """One registry event as it is kept; `entity` is the id of what it registers."""

    source: str
    event_id: str
    root: str
    revision: int
    effective_from: Day
    received_us: int
    fingerprint: bytes
    entity: str
    body: bytes


class CompoundRow(NamedTuple):
    """A registration of a compound; `partition` is where its facts lie.

    Beside its event stands what is asked of all compounds at once.
    """

    row: RegistryRow
    company: str
    partition: int
    name: str
    community: str
    station: str
    enrolled_on: date | None
    withdrawn_on: date | None


class CompanyRow(NamedTuple):
    """A registration of a company."""

    row: RegistryRow
    name: str


class OrganisationRow(NamedTuple):
    """A registration of another organisation."""

    row: RegistryRow
    kind: str
    name: str
    parent: str | None


_ROW = """$1::text[], $2::text[], $3::text[], $4::integer[], $5::date[], $6::bigint[], $7::bytea[],
    $8::text[], $9::bytea[]"""
_NAMES = "source, event_id, root, revision, effective_from, received_us, fingerprint"
ADD_COMPOUNDS = f"""
INSERT INTO compound_revision ({_NAMES}, compound, body, company, partition, name, community, station,
    enrolled_on, withdrawn_on, counted)
SELECT *, false FROM unnest({_ROW}, $10::text[], $11::integer[], $12::text[], $13::text[], $14::text[],
    $15::date[], $16::date[])
ON CONFLICT DO NOTHING RETURNING compound, event_id
"""  # noqa: S608 - names are ours
ADD_COMPANIES = f"""
INSERT INTO company_revision ({_NAMES}, company, body, name, counted)
SELECT *, false FROM unnest({_ROW}, $10::text[])
ON CONFLICT DO NOTHING RETURNING company, event_id
"""  # noqa: S608 - names are ours
ADD_ORGANISATIONS = f"""
INSERT INTO organisation_revision ({_NAMES}, organisation, body, kind, name, parent, counted)
SELECT *, false FROM unnest({_ROW}, $10::text[], $11::text[], $12::text[])
ON CONFLICT DO NOTHING RETURNING organisation, event_id
"""  # noqa: S608 - names are ours
# The order of `domain.revisions.choose`: the highest revision, of equals the one received first.
COUNT = """
UPDATE {table} t SET counted = r.place = 1
FROM (
    SELECT source, event_id, fingerprint, row_number() OVER (
        PARTITION BY {entity}, root ORDER BY revision DESC, received_us, fingerprint, source, event_id
    ) AS place
    FROM {table} WHERE {entity} = ANY($1::text[])
) r
WHERE t.source = r.source AND t.event_id = r.event_id AND t.fingerprint = r.fingerprint
  AND t.counted <> (r.place = 1)
"""
COMPOUNDS = "SELECT body FROM compound_revision WHERE compound = ANY($1::text[]) AND counted"
ASSESSED = "SELECT compound, decided_on, star FROM assessment WHERE compound = ANY($1::text[])"
COMPANIES = "SELECT body FROM company_revision WHERE company = ANY($1::text[]) AND counted"


async def load(connection: Connection, compounds: Collection[str]) -> dict[str, Registry]:
    """The registries of those compounds that were ever registered."""
    found: dict[str, list[CompoundRevision]] = {}
    for row in await connection.fetch(COMPOUNDS, list(compounds)):
        revision = read_compound(row[0])
        found.setdefault(revision.compound, []).append(revision)
    if not found:
        return {}
    assessed: dict[str, list[Assessed]] = {}
    for compound, decided_on, star in await connection.fetch(ASSESSED, list(found)):
        assessed.setdefault(compound, []).append(Assessed(decided_on.toordinal(), star))
    names = {revision.company_id for revisions in found.values() for revision in revisions}
    companies: dict[str, list[CompanyRevision]] = {}
    for row in await connection.fetch(COMPANIES, list(names)):
        company = read_company(row[0])
        companies.setdefault(company.company_id, []).append(company)
    return {
        compound: Registry(
            revisions,
            [
                company
                for company_id in {revision.company_id for revision in revisions}
                for company in companies.get(company_id, ())
            ],
            assessed.get(compound, ()),
        )
        for compound, revisions in found.items()
    }


def read_compound(body: bytes) -> CompoundRevision:
    """The revision that a kept event states."""
    envelope = decode_envelope(body)
    return compound_revision_from(envelope, lookup(envelope.type).decode(envelope.data))


def read_company(body: bytes) -> CompanyRevision:
    """The revision that a kept event states."""
    envelope = decode_envelope(body)
    return company_revision_from(envelope, lookup(envelope.type).decode(envelope.data))


async def write(
    tx: Transaction,
    compounds: Sequence[CompoundRow],
    companies: Sequence[CompanyRow],
    organisations: Sequence[OrganisationRow],
) -> None:
    """Keep new revisions, decide which count, and add work for every compound that they concern."""
    new_compounds = await _add(tx, ADD_COMPOUNDS, compounds)
    new_companies = await _add(tx, ADD_COMPANIES, [(one.row, one.name) for one in companies])
    new_organisations = await _add(
        tx, ADD_ORGANISATIONS, [(one.row, one.kind, one.name, one.parent) for one in organisations]
    )
    for table, entity, ids in (
        ("compound_revision", "compound", new_compounds),
        ("company_revision", "company", new_companies),
        ("organisation_revision", "organisation", new_organisations),
    ):
        if ids:
            await tx.execute(COUNT.format(table=table, entity=entity), list(ids))
    partitions = {one.row.entity: one.partition for one in compounds}
    await work.add(
        tx,
        [
            NewWork(partitions[compound], REGISTERED, compound, cause)
            for compound, cause in sorted(new_compounds.items())
        ],
    )
    await work.add_for_companies(tx, new_companies)


async def _add(
    tx: Transaction, statement: str, rows: Sequence[tuple[RegistryRow, *tuple[object, ...]]]
) -> dict[str, str]:
    """Ids of the entities that got a revision, with the event of the last one."""
    if not rows:
        return {}
    flat = [
        (
            one.source,
            one.event_id,
            one.root,
            one.revision,
            date.fromordinal(one.effective_from),
            one.received_us,
            one.fingerprint,
            one.entity,
            one.body,
            *more,
        )
        for one, *more in rows
    ]
    added = await tx.fetch(statement, *zip(*flat, strict=True))
    return {row[0]: row[1] for row in added}
