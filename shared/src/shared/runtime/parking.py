"""Records that can never work: kept with bytes, place and reason, and announced on the parked topic."""

from __future__ import annotations

from dataclasses import dataclass

from shared.runtime.records import Record

DDL = """
CREATE TABLE parked (
    topic text NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    code text NOT NULL,
    detail text NOT NULL,
    key bytea,
    value bytea,
    headers jsonb NOT NULL,
    timestamp_ms bigint NOT NULL,
    parked_at timestamptz NOT NULL DEFAULT now(),
    published_at timestamptz,
    resolved_at timestamptz,
    PRIMARY KEY (topic, partition, "offset")
);
CREATE INDEX parked_unpublished ON parked (parked_at) WHERE published_at IS NULL;
CREATE INDEX parked_open ON parked (topic, code) WHERE resolved_at IS NULL
"""
"""Executed by the first migration of a service. Whoever repairs or discards a row sets `resolved_at`."""


@dataclass(frozen=True, slots=True)
class ParkedRecord:
    """A record with the reason why it is parked: a stable code, and a detail without personal data."""

    record: Record
    code: str
    detail: str
