"""What the handlers need from the world, and the values that pass between them and it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, Protocol, TypeAlias

from scoring.domain.book import Book
from scoring.domain.facts import Day, Fact, HazardOpened
from scoring.domain.registry import Registry
from scoring.domain.size import Terms
from scoring.domain.standing import Standing, Step

FactKey: TypeAlias = tuple[str, str]
"""Identity of a fact: (compound, root)."""


class Arrival(NamedTuple):
    """A fact as it came: where it lay on the topic, and the event as it was published."""

    fact: Fact
    partition: int
    offset: int
    body: bytes

    @property
    def key(self) -> FactKey:
        return (self.fact.compound, self.fact.root)


class Known(NamedTuple):
    """The revision of a fact that counts so far, with its event."""

    fact: Fact
    body: bytes


class Marks(NamedTuple):
    """What else is told when it changes: failed clauses, a near star, the warning, overdue hazards.

    `near` is (direction, star, distance in milli-points).
    """

    failed: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    near: tuple[str, int, int] | None = None
    warning: str | None = None
    overdue: tuple[str, ...] = ()


NO_MARKS = Marks()


class Shown(NamedTuple):
    """What a compound showed when it was last written: the base of every comparison.

    `caps` are (veto, highest star, veto id or empty).
    """

    score_milli: int | None
    star: int | None
    dynamic_star: int | None
    rated: bool
    enrolled: bool
    categories: Mapping[str, int]
    items: Mapping[str, int]
    bonus_milli: int
    unverified: tuple[str, ...]
    caps: tuple[tuple[str, int, str], ...]
    marks: Marks = NO_MARKS

    @classmethod
    def of(cls, standing: Standing, marks: Marks) -> Shown:
        """What is kept of a standing."""
        return cls(
            standing.score_milli,
            standing.star,
            standing.dynamic_star,
            standing.rated,
            standing.enrolled,
            standing.categories,
            standing.items,
            standing.bonus_milli,
            standing.unverified,
            tuple([(cap.veto, cap.cap, cap.veto_id) for cap in standing.caps]),
            marks,
        )


class HazardKnown(NamedTuple):
    """A hazard that was opened: enough to see that the same item fails again."""

    compound: str
    root: str
    item: str
    day: Day

    @classmethod
    def of(cls, fact: Fact) -> HazardKnown:
        """What a `hazard.opened` says."""
        assert isinstance(fact.data, HazardOpened)
        return cls(fact.compound, fact.root, fact.data.item, fact.day)


class FactsWaiting(NamedTuple):
    """The first fact of a compound that nobody has registered yet, and since when."""

    event_id: str
    event_type: str
    since_us: int


class StoredState(NamedTuple):
    """A row of the compound's state: the packed book and what it showed on `day`.

    `parts` is what it shows beside its columns, as JSON. All of it is small, so that many can be kept.
    """

    compound: str
    version: int
    day: Day
    packed: bytes
    score_milli: int | None
    star: int | None
    dynamic_star: int | None
    rated: bool
    enrolled: bool
    parts: str


class Books(Protocol):
    """Books and what they show, as they are stored."""

    def write(self, book: Book, version: int, day: Day, shown: Shown) -> StoredState:
        """The state of a book that shows this on `day`."""

    def read(self, stored: StoredState, terms: Terms) -> Book:
        """The book of a state; one that another version of this program has written is incomplete."""

    def shown(self, stored: StoredState) -> Shown:
        """What a state showed."""


class WorkItem(NamedTuple):
    """One row of work; `merged` grows when somebody adds to it while it waits."""

    id: int
    partition: int
    kind: str
    key: str
    merged: int
    from_day: Day | None
    cause: str

    @property
    def trigger(self) -> str:
        """What outcomes of this work are derived from."""
        return f"work/{self.id}.{self.merged}"


REGISTERED = "registered"
"""The registry said something new about a compound: load it anew, release what waited, fold all days."""
REFOLD = "refold"
"""A late fact or correction touched closed days of a compound."""
UNASSIGNED = "unassigned"
"""Facts of a compound wait for its registration: say so when it is still unknown by then."""
RETRY = "retry"
"""A parked fact is to be tried again; the key is its offset, the cause who asks."""
RETRY_REGISTRY = "retry_registry"
"""The same of a registry record: of its own kind, because its partition has another owner."""


class Archive(Protocol):
    """What is committed, to be read; nothing here waits for locks. All may raise what the database raises."""

    async def known(self, keys: Collection[FactKey]) -> dict[FactKey, Known]:
        """The counted revisions of those facts that are in the ledger."""

    async def facts_of(self, compounds: Collection[str]) -> dict[str, list[Fact]]:
        """All counted facts of each compound, in no order; compounds without any are left out."""

    async def states(self, compounds: Collection[str]) -> dict[str, StoredState]:
        """The states under the active rubric, of compounds that have one."""

    async def registries(self, compounds: Collection[str]) -> dict[str, Registry]:
        """The registry of each compound that was ever registered."""

    async def hazards_since(self, compounds: Collection[str], day: Day) -> list[HazardKnown]:
        """The hazards of those compounds opened on `day` or later."""

    async def waiting(self, compounds: Collection[str]) -> dict[str, FactsWaiting]:
        """The first waiting fact of each compound that is still unassigned."""

    async def steps_of(self, compounds: Collection[str]) -> dict[str, list[Step]]:
        """The steps of each compound, oldest first."""

    async def closed_days(self, partitions: Collection[int]) -> dict[int, Day | None]:
        """The last closed day of each partition; None for one without history."""

    async def due_work(
        self, partitions: Collection[int], kinds: Sequence[str], limit: int, *, patience: bool
    ) -> list[WorkItem]:
        """Due rows of those partitions, oldest first; with `patience` only those that have waited long."""

    async def due_compounds(self, partition: int, day: Day, limit: int) -> list[str]:
        """Compounds of a partition that the closing of `day` concerns and that are not folded through it."""

    async def confirmed_through(self) -> Day | None:
        """The last day that an operator has confirmed for closing."""

    async def clock_skew_seconds(self) -> float:
        """How far the database's clock is ahead of this process's."""
