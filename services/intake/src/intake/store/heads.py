"""Putting corrections on top of their facts, one at a time under a lock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg

from intake.domain.heads import SUBJECT_CHANGED, Correction, Head, judge_correction
from intake.domain.reservations import Barred, Fresh, Reservation, Standing
from intake.domain.verdicts import Refusal
from intake.store import statements

Connection: TypeAlias = "asyncpg.Connection[Any]"


async def move_heads(
    connection: Connection, wanted: Sequence[Reservation], standings: list[Standing]
) -> list[Reservation]:
    """Make every correction that is ours the head of its fact; those that may not be are barred and answered.

    Runs in the transaction that reserved them.
    """
    barred: list[Reservation] = []
    # By root, in one order in all replicas; corrections of one root stay in the order of the request.
    for index in sorted(range(len(wanted)), key=lambda index: wanted[index].root):
        reservation = wanted[index]
        if not reservation.corrects or not isinstance(standings[index], Fresh):
            continue
        refusal = await _move_head(connection, reservation)
        if refusal is not None:
            standings[index] = Barred(refusal)
            barred.append(reservation)
    return barred


async def _move_head(connection: Connection, reservation: Reservation) -> Refusal | None:
    root, subject = UUID(reservation.root), reservation.subject
    await connection.execute(statements.BEGIN_HEAD, root, subject)
    head, known = await _head(connection, root, subject)
    if not known and await connection.fetchval(statements.ELSEWHERE, root, subject):
        return SUBJECT_CHANGED
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
        head, _ = await _head(connection, root, subject)
    correction = Correction(
        reservation.id,
        reservation.revision,
        reservation.recorder,
        reservation.rank,
        reservation.kind,
        withdraws=reservation.withdraws,
        roles=reservation.roles,
    )
    refusal = judge_correction(head, correction)
    if refusal is None:
        await connection.execute(
            statements.MOVE_HEAD, root, subject, reservation.revision, reservation.id, reservation.day
        )
    return refusal


async def _head(connection: Connection, root: UUID, subject: str) -> tuple[Head | None, bool]:
    """The head, and whether the first revision was seen."""
    row = await connection.fetchrow(statements.HEAD, root, subject)
    if row is None:
        return None, False
    head = Head(row["revision"], row["event_id"], row["recorder"], row["rank"], row["kind"])
    return head, row["known"]
