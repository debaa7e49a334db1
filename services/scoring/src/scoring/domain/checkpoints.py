"""STATE: the latest result at each checkpoint of an item decides its points.

Source: rubric.md section 3. `loss = P * (1000 - q) // 1000`, q the mean weight of the counted checkpoints; a
checkpoint whose latest result is `na` is not counted; one with an open hazard counts as passed, because the
hazard is charged instead. An item without evidence for long is held down.
"""

from typing import NamedTuple

from scoring.domain.facts import NEVER, Check, Day, Order
from scoring.domain.rubric_sections import State
from scoring.domain.shelf import Plain
from scoring.domain.steps import StepSum
from scoring.domain.timeline import Timeline

UNIT = 1_000
RANKS = {"fail": 0, "partial": 1, "pass": 2, "na": 3}
"""Results from the worst: of several at one checkpoint in one inspection the worst counts."""
PASS, NA = RANKS["pass"], RANKS["na"]

Result = tuple[Day, int, str, int]
"""(day, instant, id, rank)."""


class Reading(NamedTuple):
    """The checkpoints of an item on a day: q (None: nothing counted), latest evidence, next change."""

    share_permille: int | None
    all_absent: bool
    evidence: Day | None
    until: Day


NOTHING = Reading(None, all_absent=False, evidence=None, until=NEVER)


class CheckpointShelf:
    """The checks of one STATE item of one compound, and on which days hazards are open at its checkpoints."""

    __slots__ = ("_seen", "_since", "hazards", "results")

    def __init__(self) -> None:
        self.results: dict[str, Timeline[Result]] = {}
        self.hazards: dict[str, StepSum] = {}
        self._since: Day = 0
        self._seen: Reading | None = None

    def add(self, checkpoint: str, order: Order, rank: int) -> None:
        self._seen = None
        if checkpoint not in self.results:
            self.results[checkpoint] = Timeline()
        self.results[checkpoint].add((*order, rank))

    def remove(self, checkpoint: str, order: Order, rank: int) -> None:
        self._seen = None
        results = self.results.get(checkpoint)
        if results is not None:
            results.remove((*order, rank))
            if not results:
                del self.results[checkpoint]

    def hazard(self, checkpoint: str, opened: Day, closed: Day, sign: int) -> None:
        """Counts (`sign` 1) or uncounts (-1) a hazard that is open from `opened` to before `closed`."""
        self._seen = None
        if checkpoint not in self.hazards:
            self.hazards[checkpoint] = StepSum()
        self.hazards[checkpoint].add(opened, sign)
        if closed < NEVER:
            self.hazards[checkpoint].add(closed, -sign)

    def reading(self, rules: State, day: Day) -> Reading:
        """What the checkpoints say on `day`; remembered, because other items ask for it too."""
        seen = self._seen
        if seen is None or not self._since <= day < seen.until:
            self._since = day
            seen = self._seen = self._read(rules, day)
        return seen

    def _read(self, rules: State, day: Day) -> Reading:
        total = counted = 0
        weights = _weights(rules)
        evidence: Day | None = None
        until = NEVER
        for checkpoint, results in self.results.items():
            latest = results.entries[-1]
            if latest[0] > day:
                until = min(until, results.next_after(day))
                earlier = results.latest(day)
                if earlier is None:
                    continue
                latest = earlier
            if evidence is None or latest[0] > evidence:
                evidence = latest[0]
            rank = latest[3]
            if rank == NA:
                continue
            hazards = self.hazards.get(checkpoint)
            if hazards is not None:
                until = min(until, hazards.next_after(day))
                if hazards.at(day) > 0:
                    rank = PASS
            counted += 1
            total += weights[rank]
        absent = evidence is not None and not counted
        return Reading(total // counted if counted else None, absent, evidence, until)

    def ranks(self, day: Day) -> dict[str, tuple[int, str]]:
        """The rank that counts at each counted checkpoint on `day`, and the id of the fact that said it."""
        found: dict[str, tuple[int, str]] = {}
        for checkpoint, results in self.results.items():
            latest = results.latest(day)
            if latest is not None and latest[3] != NA:
                hazards = self.hazards.get(checkpoint)
                rank = PASS if hazards is not None and hazards.at(day) > 0 else latest[3]
                found[checkpoint] = (rank, latest[2])
        return found

    def pack(self, day: Day) -> Plain:
        """The results and hazards of all checkpoints; empty when there is nothing."""
        results = tuple([(name, *self.results[name].pack_latest(day)) for name in sorted(self.results)])
        hazards = tuple([(name, *self.hazards[name].pack(day)) for name in self._open(day)])
        return (results, hazards) if results or hazards else ()

    def _open(self, day: Day) -> list[str]:
        return sorted(name for name, one in self.hazards.items() if one.lasts(day))

    @classmethod
    def unpack(cls, plain: Plain) -> "CheckpointShelf":
        shelf = cls()
        results, hazards = plain
        for name, *parts in results:
            shelf.results[name] = Timeline.unpack(parts, 4)
        for name, *parts in hazards:
            shelf.hazards[name] = StepSum.unpack(tuple(parts))
        return shelf


def loss(full_milli: int, share_permille: int | None) -> int:
    """What an item loses for its checkpoints; nothing where none is counted."""
    return 0 if share_permille is None else full_milli * (UNIT - share_permille) // UNIT


def share(rules: State, ranks: list[int]) -> int | None:
    """Q of counted checkpoints, None where there is none."""
    weights = _weights(rules)
    return sum(weights[rank] for rank in ranks) // len(ranks) if ranks else None


def _weights(rules: State) -> tuple[int, int, int]:
    return (rules.fail_permille, rules.partial_permille, rules.pass_permille)


def name_of(rank: int) -> str:
    """The result that has this rank."""
    return next(name for name, one in RANKS.items() if one == rank)


def worst(checks: tuple[Check, ...]) -> dict[tuple[str, str], int]:
    """The worst rank by item and checkpoint of one inspection."""
    found: dict[tuple[str, str], int] = {}
    for check in checks:
        key, rank = (check.item, check.checkpoint), RANKS[check.result]
        found[key] = min(rank, found.get(key, rank))
    return found
