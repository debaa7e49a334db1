"""Reserving ids: one statement for what is new, a look for what is not."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, TypeAlias

import asyncpg

from intake.domain.reservations import FRESH, Busy, Reservation, Settled, Standing
from intake.domain.verdicts import Receipt
from intake.store import statements
from intake.store.heads import move_heads

Connection: TypeAlias = "asyncpg.Connection[Any]"
# An event that lies on its topic, and at which offset.
Stored: TypeAlias = tuple[Reservation, int]


async def reserve(
    connection: Connection, wanted: Sequence[Reservation], reserved: timedelta, stored: Sequence[Stored] = ()
) -> Sequence[Standing]:
    """One answer for each reservation, whose ids differ; completes `stored` on the way."""
    claim = secrets.randbits(62)
    if not any(reservation.corrects for reservation in wanted):
        return await _claim(connection, wanted, claim, reserved, stored)
    async with connection.transaction():
        await connection.execute(statements.DURABLY)
        standings = list(await _claim(connection, wanted, claim, reserved, stored))
        barred = await move_heads(connection, wanted, standings)
        if barred:
            await connection.execute(
                statements.DROP, [row.id for row in barred], [row.source for row in barred], claim
            )
        return standings


async def complete(connection: Connection, stored: Sequence[Stored]) -> None:
    """Note where events lie."""
    await connection.execute(statements.COMPLETE, *_completions(stored))


async def release(connection: Connection, reservations: Sequence[Reservation]) -> None:
    """Let others take over at once."""
    await connection.execute(
        statements.RELEASE, [row.id for row in reservations], [row.source for row in reservations]
    )


async def _claim(
    connection: Connection,
    wanted: Sequence[Reservation],
    claim: int,
    reserved: timedelta,
    stored: Sequence[Stored],
) -> Sequence[Standing]:
    # In one order in all replicas, so that two that want the same ids wait and never deadlock.
    rows = sorted(wanted, key=_identity)
    offered = (
        [row.id for row in rows],
        [row.source for row in rows],
        [row.fingerprint for row in rows],
        [row.credential for row in rows],
        [row.topic for row in rows],
        [row.partition for row in rows],
        [row.received_at for row in rows],
        [row.subject if row.begins else None for row in rows],
        [row.recorder for row in rows],
        [row.rank for row in rows],
        [row.kind for row in rows],
        [row.day for row in rows],
        reserved,
        claim,
    )
    fresh: int
    if stored:
        fresh = await connection.fetchval(statements.RESERVE_AND_COMPLETE, *offered, *_completions(stored))
    else:
        fresh = await connection.fetchval(statements.RESERVE, *offered)
    if fresh == len(rows):
        return [FRESH] * len(rows)
    return await _look(connection, wanted, claim, reserved)


def _identity(reservation: Reservation) -> tuple[str, str]:
    return reservation.id, reservation.source


def _completions(stored: Sequence[Stored]) -> tuple[list[str], list[str], list[int]]:
    return (
        [reservation.id for reservation, _ in stored],
        [reservation.source for reservation, _ in stored],
        [offset for _, offset in stored],
    )


async def _look(
    connection: Connection, wanted: Sequence[Reservation], claim: int, reserved: timedelta
) -> Sequence[Standing]:
    found = await connection.fetch(
        statements.STANDING,
        [reservation.id for reservation in wanted],
        [reservation.source for reservation in wanted],
        claim,
    )
    # One that went away between two looks is asked for again later.
    standings: list[Standing] = [Busy(reservation.fingerprint) for reservation in wanted]
    for row in found:
        index = row["n"] - 1
        standings[index] = await _standing(connection, wanted[index], row, claim, reserved)
    return standings


async def _standing(
    connection: Connection, wanted: Reservation, row: asyncpg.Record, claim: int, reserved: timedelta
) -> Standing:
    if row["ours"]:
        return FRESH
    if row["offset"] is not None:
        return Settled(receipt_of(row))
    if row["expired"] and row["fingerprint"] == wanted.fingerprint:
        taken = await connection.execute(
            statements.TAKE_OVER,
            wanted.id,
            wanted.source,
            claim,
            reserved,
            wanted.received_at,
            wanted.credential,
            wanted.fingerprint,
        )
        if taken == "UPDATE 1":
            return FRESH
    return Busy(row["fingerprint"])


def receipt_of(row: asyncpg.Record) -> Receipt:
    """The receipt in a row that is completed."""
    return Receipt(
        row["id"], row["topic"], row["partition"], row["offset"], row["received_at"], row["fingerprint"]
    )
