"""Devices that work (C1, C2: STATE of status) and devices that were bought (the bonus for upgrades).

Source: rubric.md section 4, C1 and the bonus line. A status without devices is ignored; any other is
evidence of its item. Of the upgrades of one item only the first within 365 days of a counted one gains.
"""

from bisect import insort

from scoring.domain.decay import Charge
from scoring.domain.facts import Day, FacilityStatus, FacilityUpgraded, Fact, Order
from scoring.domain.rubric_sections import Bonus, Rubric, State
from scoring.domain.shelf import ORIGIN, Plain, pack_id, unpack_id
from scoring.domain.timeline import Timeline

UNIT = 1_000

Status = tuple[Day, int, str, int, int]
"""(day, instant, id, online, total)."""


class StatusShelf:
    """The statuses of one item of one compound."""

    __slots__ = ("statuses",)

    def __init__(self) -> None:
        self.statuses: Timeline[Status] = Timeline()

    def add(self, fact: Fact, data: FacilityStatus) -> None:
        self.statuses.add((*fact.order, data.online, data.total))

    def remove(self, fact: Fact, data: FacilityStatus) -> None:
        self.statuses.remove((*fact.order, data.online, data.total))

    def pack(self, day: Day) -> Plain:
        return self.statuses.pack_latest(day)

    @classmethod
    def unpack(cls, plain: Plain) -> "StatusShelf":
        shelf = cls()
        shelf.statuses = Timeline.unpack(plain, 5)
        return shelf


def status_permille(rules: State, online: int, total: int) -> int:
    """Q of a status: nothing at 60 per cent of the devices, all at 100."""
    above = online * UNIT // total - rules.status_floor_permille
    return min(max(above, 0) * UNIT // rules.status_span_permille, UNIT)


class UpgradeShelf:
    """The upgrades of one compound by item; all are kept, because an earlier one decides over later ones."""

    __slots__ = ("upgrades",)

    def __init__(self) -> None:
        self.upgrades: dict[str, list[Order]] = {}

    def add(self, item: str, order: Order) -> None:
        insort(self.upgrades.setdefault(item, []), order)

    def remove(self, item: str, order: Order) -> None:
        self.upgrades[item].remove(order)
        if not self.upgrades[item]:
            del self.upgrades[item]

    def gains(self, item: str, rules: Bonus) -> list[Charge]:
        """What the upgrades of `item` gain."""
        return [
            Charge(day, rules.upgrade_milli)
            for day in counted([order[0] for order in self.upgrades.get(item, ())], rules)
        ]

    def pack(self) -> Plain:
        return tuple(
            (
                item,
                *(part for day, instant, name in orders for part in (day - ORIGIN, instant, pack_id(name))),
            )
            for item, orders in sorted(self.upgrades.items())
        )

    @classmethod
    def unpack(cls, plain: Plain) -> "UpgradeShelf":
        shelf = cls()
        for item, *parts in plain:
            shelf.upgrades[item] = [
                (parts[at] + ORIGIN, parts[at + 1], unpack_id(parts[at + 2]))
                for at in range(0, len(parts), 3)
            ]
        return shelf


def counted(days: list[Day], rules: Bonus) -> list[Day]:
    """The days of the upgrades that gain; `days` in order."""
    found: list[Day] = []
    for day in days:
        if not found or day - found[-1] >= rules.upgrade_gap_days:
            found.append(day)
    return found


def gains_bonus(rubric: Rubric, data: FacilityUpgraded) -> bool:
    """Whether upgrades of the item gain anything."""
    item = rubric.items.get(data.item)
    return item is not None and item.category in rubric.bonus.upgrade_categories
