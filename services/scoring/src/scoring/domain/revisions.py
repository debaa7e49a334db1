"""Which revision of a fact counts: the highest; of equals the one received first, then the smaller hash."""

from collections.abc import Iterable
from enum import Enum
from typing import Protocol, TypeVar


class Choice(Enum):
    """What an arriving revision does to the stored one."""

    REPEAT = "repeat"
    REPLACES = "replaces"
    STALE = "stale"
    CONFLICT_KEPT = "conflict_kept"
    CONFLICT_REPLACES = "conflict_replaces"

    @property
    def counts(self) -> bool:
        """Whether the arriving revision is the one that counts from now on."""
        return self in (Choice.REPLACES, Choice.CONFLICT_REPLACES)


class Head(Protocol):
    """What must be known of a stored revision: a Fact, a registry revision, or a row of the ledger."""

    @property
    def revision(self) -> int: ...
    @property
    def source(self) -> str: ...
    @property
    def event_id(self) -> str: ...
    @property
    def received_us(self) -> int: ...
    @property
    def fingerprint(self) -> bytes: ...


def choose(stored: Head, arriving: Head) -> Choice:
    """Judges an arriving revision of a root against the stored one; their order does not matter.

    Where one fingerprint is empty, the same (source, id) is taken for the same content.
    """
    if arriving.revision != stored.revision:
        return Choice.REPLACES if arriving.revision > stored.revision else Choice.STALE
    if stored.fingerprint and arriving.fingerprint:
        same = stored.fingerprint == arriving.fingerprint
    else:
        same = (stored.source, stored.event_id) == (arriving.source, arriving.event_id)
    if same:
        return Choice.REPEAT
    if _rank(arriving) < _rank(stored):
        return Choice.CONFLICT_REPLACES
    return Choice.CONFLICT_KEPT


def _rank(head: Head) -> tuple[int, bytes, str, str]:
    return head.received_us, head.fingerprint, head.source, head.event_id


class Rooted(Head, Protocol):
    """A revision that knows its root."""

    @property
    def root(self) -> str: ...


Revision = TypeVar("Revision", bound=Rooted)


def counted(revisions: Iterable[Revision]) -> dict[str, Revision]:
    """The counted revision of every root, withdrawals included."""
    heads: dict[str, Revision] = {}
    for arriving in revisions:
        stored = heads.get(arriving.root)
        if stored is None or choose(stored, arriving).counts:
            heads[arriving.root] = arriving
    return heads
