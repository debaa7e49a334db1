"""The kinds of errors a consumer tells apart: away, fenced, halted; anything else is a bug."""

from __future__ import annotations

from collections.abc import Collection

import asyncpg

from shared.runtime.away import DATABASE_AWAY, KAFKA_AWAY
from shared.runtime.errors import Retryable
from shared.runtime.records import Partition

# Besides lost connections: locks, deadlocks, no room or memory, a standby that cannot write yet.
_LATER: tuple[type[Exception], ...] = (
    Retryable,
    *DATABASE_AWAY,
    *KAFKA_AWAY,
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.LockNotAvailableError,
    asyncpg.QueryCanceledError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.ReadOnlySQLTransactionError,
)


def is_away(error: BaseException) -> bool:
    """Whether trying the same again later can help.

    A value that the driver cannot encode is an InterfaceError too, but no waiting mends it.
    """
    return isinstance(error, _LATER) and not (
        isinstance(error, asyncpg.InterfaceError) and isinstance(error, ValueError)
    )


class Fenced(Exception):  # noqa: N818 - names what happened, as Retryable and Rejected do
    """Somebody else has claimed partitions since: nothing was written."""

    def __init__(self, partitions: Collection[Partition]) -> None:
        super().__init__(f"fenced: {sorted(partitions)}")
        self.partitions = frozenset(partitions)


class Stale(Exception):  # noqa: N818 - names what happened, as Retryable and Rejected do
    """What was prepared belongs to claims that are gone, or follows a write that failed: prepare anew."""


class Halted(Exception):  # noqa: N818 - names what happened, as Retryable and Rejected do
    """The consumer must not go on: one sentence that tells people what is wrong and what to do.

    `ends_process` is False where the process is of more use alive: it can still show what is parked.
    """

    def __init__(self, sentence: str, *, ends_process: bool = True) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.ends_process = ends_process
