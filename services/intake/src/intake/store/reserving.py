"""Reserving ids: one statement for what is new, a look for what is not, a lock for what corrects."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg

from intake.domain.heads import Correction, Head, judge_correction
from intake.domain.reservations import FRESH, Barred, Busy, Fresh, Reservation, Settled, Standing
from intake.domain.verdicts import Receipt
from intake.store import statements

Connection: TypeAlias = "asyncpg.Connection[Any]"
# Who disappears between two looks at its reservation is asked again later.
GONE = Busy(b"")


async def reserve(
    connection: Connection, reservations: Sequence[Reservation], reserved: timedelta
) -> list[Standing]:
    """One answer for each reservation; their ids differ."""
    claim = secrets.randbits(62)
    if not any(reservation.corrects for reservation in reservations):
        return await _claimed(connection, reservations, claim, reserved)
    async with connection.transaction():
        standings = await _claimed(connection, reservations, claim, reserved)
        return await _move_heads(connection, reservations, standings, claim)


async def _claimed(
    connection: Connection, reservations: Sequence[Reservation], claim: int, reserved: timedelta
) -> list[Standing]:
    # In one order in all replicas, so that two that want the same ids wait and never deadlock.
    rows = sorted(reservations, key=_identity)
    fresh: int = await connection.fetchval(
        statements.RESERVE,
        [row.id for row in rows],
        [row.source for row in rows],
        [row.fingerprint for row in rows],
        [row.credential for row in rows],
        [row.topic for row in rows],
        [row.partition for row in rows],
        [row.received_at for row in rows],
        [row.subject for row in rows],
        [row.recorder for row in rows],
        [row.rank for row in rows],
        [row.kind for row in rows],
        [row.day for row in rows],
        [row.begins for row in rows],
        reserved,
        claim,
    )
    if fresh == len(rows):
        return [FRESH] * len(rows)
    found = await connection.fetch(
        statements.STANDING,
        [reservation.id for reservation in reservations],
        [reservation.source for reservation in reservations],
        claim,
    )
    standings: list[Standing] = [GONE] * len(reservations)
    for row in found:
        index = row["n"] - 1
        standings[index] = await _standing(connection, reservations[index], row, claim, reserved)
    return standings


def _identity(reservation: Reservation) -> tuple[str, str]:
    return reservation.id, reservation.source


async def _standing(
    connection: Connection, wanted: Reservation, row: asyncpg.Record, claim: int, reserved: timedelta
) -> Standing:
    if row["ours"]:
        return FRESH
    if row["offset"] is not None:
        return Settled(
            Receipt(
                row["id"],
                row["topic"],
                row["partition"],
                row["offset"],
                row["received_at"],
                row["fingerprint"],
            )
        )
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


async def _move_heads(
    connection: Connection, reservations: Sequence[Reservation], standings: list[Standing], claim: int
) -> list[Standing]:
    """Put each correction on top of its fact, or bar it and give its id back."""
    barred: list[Reservation] = []
    # By root, in one order in all replicas; corrections of one root stay in the order of the request.
    for index in sorted(range(len(reservations)), key=lambda index: reservations[index].root):
        reservation = reservations[index]
        if not reservation.corrects or not isinstance(standings[index], Fresh):
            continue
        refusal = await _move_head(connection, reservation)
        if refusal is not None:
            standings[index] = Barred(refusal)
            barred.append(reservation)
    if barred:
        await connection.execute(
            statements.DROP, [row.id for row in barred], [row.source for row in barred], claim
        )
    return standings


async def _move_head(connection: Connection, reservation: Reservation) -> Any:
    root, subject = UUID(reservation.root), reservation.subject
    head = await _head(connection, root, subject)
    if head is None:
        made = await connection.execute(
            statements.NEW_HEAD,
            root,
            subject,
            reservation.revision,
            reservation.id,
            reservation.recorder,
            reservation.rank,
            None if reservation.withdraws else reservation.kind,
            reservation.day,
        )
        if made == "INSERT 0 1":
            return None
        # Another replica was faster with its first.
        head = await _head(connection, root, subject)
    correction = Correction(
        reservation.id,
        reservation.revision,
        reservation.recorder,
        reservation.rank,
        reservation.kind,
        withdraws=reservation.withdraws,
    )
    refusal = judge_correction(head, correction)
    if refusal is None:
        await connection.execute(
            statements.MOVE_HEAD, root, subject, reservation.revision, reservation.id, reservation.day
        )
    return refusal


async def _head(connection: Connection, root: UUID, subject: str) -> Head | None:
    row = await connection.fetchrow(statements.HEAD, root, subject)
    if row is None:
        return None
    return Head(row["revision"], row["event_id"], row["recorder"], row["rank"], row["kind"])
