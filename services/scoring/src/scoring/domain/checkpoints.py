"""STATE: the latest result at each checkpoint of an item decides its points.

Source: rubric.md section 3. `loss = P * (1000 - q) // 1000`, q the mean weight of the counted checkpoints; a
checkpoint whose latest result is `na` is not counted; one with an open hazard counts as passed, because the
hazard is charged instead. An item without evidence for long is held down.
"""

from typing import NamedTuple

from scoring.domain.facts import NEVER, Check, Day, Order
from scoring.domain.rubric_sections import State
from scoring.domain.shelf import ORIGIN, Forgotten, Plain
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


class Settled(NamedTuple):
    """The latest result of a checkpoint up to the closed day, and the one before it, each as a small number.

    `before` is None where there is none, UNKNOWN where there may be one.
    """

    latest: int
    before: int | None


UNKNOWN = -1_000_000
"""Less than the number of any day that facts can have."""


class CheckpointShelf:
    """The checks of one STATE item of one compound, and on which days hazards are open at its checkpoints.

    Packed, of the results up to the closed day only the last two of each checkpoint are left, without instant
    and id: a later fact of an earlier day changes nothing that counts, and the latest can be taken back once.
    Where a fact needs more, as another result on the very day of the latest, it raises `Forgotten`.
    """

    __slots__ = ("_seen", "_since", "hazards", "results", "settled")

    def __init__(self) -> None:
        self.results: dict[str, Timeline[Result]] = {}
        self.settled: dict[str, Settled] = {}
        """Of each checkpoint what stands since before `results`."""
        self.hazards: dict[str, StepSum] = {}
        self._since: Day = 0
        self._seen: Reading | None = None

    def add(self, checkpoint: str, order: Order, rank: int) -> bool:
        """Puts a result there; answers whether anything is another now."""
        settled = self.settled.get(checkpoint)
        if settled is not None and order[0] <= _day(settled.latest):
            return self._settle(checkpoint, settled, _with(settled, _number(order[0], rank)))
        self._seen = None
        if checkpoint not in self.results:
            self.results[checkpoint] = Timeline()
        self.results[checkpoint].add((*order, rank))
        return True

    def remove(self, checkpoint: str, order: Order, rank: int) -> bool:
        """Takes a result away; answers whether anything is another now."""
        settled = self.settled.get(checkpoint)
        if settled is not None and order[0] <= _day(settled.latest):
            return self._settle(checkpoint, settled, _without(settled, _number(order[0], rank)))
        results = self.results.get(checkpoint)
        if results is not None:
            self._seen = None
            results.remove((*order, rank))
            if not results:
                del self.results[checkpoint]
        return results is not None

    def _settle(self, checkpoint: str, before: Settled, after: Settled | None) -> bool:
        if after == before:
            return False
        self._seen = None
        if after is None:
            del self.settled[checkpoint]
        else:
            self.settled[checkpoint] = after
        return True

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
        for results in self.results.values():
            until = min(until, results.next_after(day))
        latest = self._latest(day)
        if latest:
            evidence = _day(max(latest.values()))
        for checkpoint, number in latest.items():
            rank = number % len(RANKS)
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

    def _latest(self, day: Day) -> dict[str, int]:
        """The number of the latest result of each checkpoint up to `day`."""
        latest = {checkpoint: number for checkpoint, (number, _) in self.settled.items()}
        for checkpoint, results in self.results.items():
            found = results.latest(day)
            if found is not None:
                latest[checkpoint] = _number(found[0], found[3])
        return latest

    def ranks(self, day: Day) -> dict[str, tuple[int, str]]:
        """The rank that counts at each counted checkpoint on `day`, and the id of the fact that said it.

        Of a packed shelf the id may be missing.
        """
        found: dict[str, tuple[int, str]] = {}
        for checkpoint, number in self._latest(day).items():
            rank = number % len(RANKS)
            if rank != NA:
                hazards = self.hazards.get(checkpoint)
                held = hazards is not None and hazards.at(day) > 0
                results = self.results.get(checkpoint)
                latest = None if results is None else results.latest(day)
                found[checkpoint] = (PASS if held else rank, "" if latest is None else latest[2])
        return found

    def pack(self, day: Day) -> Plain:
        """The results and hazards of all checkpoints; empty when there is nothing."""
        settled = dict(self.settled)
        later: dict[str, Plain] = {}
        for checkpoint, results in self.results.items():
            count = results.count_until(day)
            if count:
                last = [_number(one[0], one[3]) for one in results.entries[max(count - 2, 0) : count]]
                known = settled.get(checkpoint)
                earlier = last[0] if len(last) > 1 else None if known is None else known.latest
                settled[checkpoint] = Settled(last[-1], earlier)
            if count < len(results):
                later[checkpoint] = results.pack_after(day)
        hazards = {name: packed for name, one in self.hazards.items() if (packed := one.pack(day))}
        return (settled, later, hazards) if settled or later or hazards else ()

    @classmethod
    def unpack(cls, plain: Plain) -> "CheckpointShelf":
        shelf = cls()
        settled, later, hazards = plain
        shelf.settled = {name: Settled(*numbers) for name, numbers in settled.items()}
        for name, parts in later.items():
            shelf.results[name] = Timeline.unpack(parts, 4)
        for name, parts in hazards.items():
            shelf.hazards[name] = StepSum.unpack(parts)
        return shelf


def _number(day: Day, rank: int) -> int:
    """A result as one small number; those of later days are larger, and the rank is the remainder."""
    return (day - ORIGIN) * len(RANKS) + rank


def _day(number: int) -> Day:
    return number // len(RANKS) + ORIGIN


def _with(settled: Settled, number: int) -> Settled:
    """What stands after one more result, not of a later day; the order within a day was left out."""
    latest, before = settled
    if _day(number) == _day(latest):
        if number != latest:
            raise Forgotten
        # Equal ones: it does not matter which is the latest, unless another stands between them.
        apart = before is None or (before != UNKNOWN and (before == latest or _day(before) < _day(latest)))
        return Settled(latest, latest if apart else UNKNOWN)
    if before is None or (before != UNKNOWN and _day(number) > _day(before)):
        return Settled(latest, number)
    if before != UNKNOWN and _day(number) == _day(before) and number != before:
        return Settled(latest, UNKNOWN)
    return settled


def _without(settled: Settled, number: int) -> Settled | None:
    """What stands after such a result was taken back; None where there was no other."""
    latest, before = settled
    if number == before:
        # It, or one like it: then the one before that is not known.
        return Settled(latest, UNKNOWN)
    if number != latest:
        return settled
    if before is None:
        return None
    if before == UNKNOWN or _day(before) == _day(latest):
        # What is before is not known, or there may be one like the latest before it.
        raise Forgotten
    return Settled(before, UNKNOWN)


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
    for item, checkpoint, result, _ in checks:
        key, rank = (item, checkpoint), RANKS[result]
        found[key] = min(rank, found.get(key, rank))
    return found
