"""The life of some compounds as messages, by a seed: facts, repeats, corrections, registrations."""

import json
import random
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from shared.events.topics import FACTS, REGISTRY, Topic, partition_for

from tests.faults.contract import TOLD, data_of
from tests.properties.scoring_facts import FIRST, Near

ZONE = ZoneInfo("Asia/Shanghai")
COMPOUNDS = 40
# Facts of these come first: they are registered while the run goes on, or never.
LATE = frozenset({"C05", "C15", "C25", "C35"})
NEVER = frozenset({"C38", "C39"})
COMPANIES = ("P1", "P2", "P3")
REPEATS = 0.15
POISON = 0.003


class Message(NamedTuple):
    """One record to publish; `partition` None: where its key belongs."""

    topic: Topic
    key: str
    value: bytes
    partition: int | None = None


@dataclass
class Root:
    """What was told of one fact or registration so far."""

    kind: str
    root: str
    day: int
    told: int = 1


@dataclass
class Life:
    """`now` is the time of the run; everything else follows from the seed."""

    seed: int
    now: Callable[[], datetime]
    partitions: int
    counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._r = Near.made(self.seed, [])
        self._ids = random.Random(self.seed * 7919 + 1)
        self._number = 0
        self._facts: dict[str, deque[Root]] = {}
        self._registrations: dict[str, list[Root]] = {}
        self._sent: deque[Message] = deque(maxlen=5_000)
        self._registry_sent: list[Message] = []
        self._waiting = sorted(LATE)

    @property
    def compounds(self) -> list[str]:
        return [f"C{number:02}" for number in range(COMPOUNDS)]

    def beginning(self) -> Iterator[Message]:
        """Who is there when the run begins."""
        for company in COMPANIES:
            yield self._company(company)
        for compound in self.compounds:
            if compound not in LATE | NEVER:
                yield self._registration(compound, first=True)

    def late_one(self) -> Message | None:
        """The registration of one more compound whose facts wait; None when all are there."""
        return self._registration(self._waiting.pop(0), first=True) if self._waiting else None

    def registry_change(self) -> Message:
        """A compound or a company is registered anew, corrected or told again."""
        chance = self._r.random()
        if chance < 0.15 and self._registry_sent:
            self.counts["registry repeat"] += 1
            return self._r.choice(self._registry_sent)
        if chance < 0.35:
            return self._company(self._r.choice(COMPANIES))
        known = sorted(set(self._registrations) - set(COMPANIES))
        return self._registration(self._r.choice(known), first=False)

    def facts(self, compounds: list[str] | None = None) -> list[Message]:
        """The next thing that happens: one message, or two out of order."""
        chance = self._r.random()
        if chance < REPEATS and self._sent and compounds is None:
            self.counts["repeat"] += 1
            near = self._r.random() < 0.6
            return [
                self._sent[-self._r.randint(1, min(50, len(self._sent)))]
                if near
                else self._r.choice(self._sent)
            ]
        compound = self._r.choice(compounds or self.compounds)
        if chance > 1 - POISON:
            return [self._poison(compound)]
        roots = self._facts.setdefault(compound, deque(maxlen=60))
        made = self._correction(compound, roots) if roots and chance > 0.86 else [self._new(compound, roots)]
        self._sent.extend(made)
        return made

    def _new(self, compound: str, roots: deque[Root]) -> Message:
        self.counts["fact"] += 1
        root = Root(self._r.choice(sorted(TOLD)), self._uuid(), self._day())
        roots.append(root)
        return self._fact(compound, root, root.root, 1)

    def _correction(self, compound: str, roots: deque[Root]) -> list[Message]:
        root = self._r.choice(roots)
        chance = self._r.random()
        if chance < 0.15:
            self.counts["conflict"] += 1
            return [self._fact(compound, root, self._uuid(), root.told)]
        if chance < 0.4:
            self.counts["withdrawal"] += 1
            root.told += 1
            return [self._fact(compound, root, self._uuid(), root.told, withdrawn=True)]
        self.counts["correction"] += 1
        if self._r.random() < 0.3:
            root.day = self._day()
        root.told += 1
        made = [self._fact(compound, root, self._uuid(), root.told)]
        if self._r.random() < 0.2:
            root.told += 1
            made.insert(0, self._fact(compound, root, self._uuid(), root.told))
        return made

    def _fact(
        self, compound: str, root: Root, event_id: str, revision: int, *, withdrawn: bool = False
    ) -> Message:
        self._number += 1
        era = f"-{self._number // 4_000}"
        data = {"reason": "wrong"} if withdrawn else data_of(root.kind, self._r, root.day, era)
        time = datetime.fromordinal(root.day).replace(tzinfo=ZONE)
        event = self._event("fact.withdrawn" if withdrawn else root.kind, compound, event_id, root, revision)
        event["time"] = (time + timedelta(seconds=self._r.randrange(86_400))).isoformat()
        event["actorrole"] = self._r.choice(["officer", "officer", "company", "guard"])
        event["data"] = {name: value for name, value in data.items() if value is not None}
        return Message(FACTS, compound, _json(event))

    def _poison(self, compound: str) -> Message:
        self.counts["poison"] += 1
        kind = self._r.choice(["no json", "no type", "elsewhere"])
        if kind == "no json":
            return Message(FACTS, compound, b"{" + self._uuid().encode())
        root = Root("survey.recorded", self._uuid(), self._day())
        if kind == "elsewhere":
            home = partition_for(compound.encode(), self.partitions)
            return self._fact(compound, root, root.root, 1)._replace(partition=(home + 1) % self.partitions)
        event = self._event("nonsense.recorded", compound, root.root, root, 1)
        return Message(FACTS, compound, _json(event | {"time": self.now().isoformat(), "data": {}}))

    def _registration(self, compound: str, *, first: bool) -> Message:
        r = self._r
        roots = self._registrations.setdefault(compound, [])
        root = self._registry_root(roots)
        today = self._today()
        households = r.choice([150, 800, 2001])
        enrolled = FIRST if first else r.choice([FIRST, FIRST, FIRST + 5, FIRST + 40])
        withdrawn = None if first or r.random() < 0.85 else today + r.randint(-20, 10)
        event = self._event("compound.registered", compound, self._uuid(), root, root.told)
        event["time"] = self.now().isoformat()
        event["data"] = {
            "name": f"Garden {compound} {r.randint(1, 9)}",
            "households": households,
            "occupied_households": r.choice([households // 2, households]),
            "buildings": r.choice([2, 3, 9]),
            "enclosed": r.random() < 0.8,
            "company_id": r.choice([*COMPANIES, "P4"]),
            "community_id": r.choice(["S1", "S2"]),
            "station_id": "baiguan",
            "effective_from": _iso(
                FIRST if first else r.choice([today, today - 7, today - 60, today + 2, FIRST])
            ),
            "enrolled_on": _iso(enrolled),
        }
        if withdrawn is not None:
            event["data"]["withdrawn_on"] = _iso(withdrawn)
        return self._registered(Message(REGISTRY, f"compound:{compound}", _json(event)))

    def _company(self, company: str) -> Message:
        r = self._r
        root = self._registry_root(self._registrations.setdefault(company, []))
        today = self._today()

        def permit() -> dict[str, Any]:
            return {
                "number": "x",
                "valid_from": _iso(FIRST - r.randint(0, 50)),
                "valid_to": _iso(today + r.randint(-30, 300)),
            }

        event = self._event("company.registered", company, self._uuid(), root, root.told)
        event["time"] = self.now().isoformat()
        event["data"] = {
            "name": f"Company {company}",
            "construction_permit": permit(),
            "market_registration": permit(),
            "effective_from": _iso(r.choice([FIRST, today, today - 20])),
        }
        return self._registered(Message(REGISTRY, f"company:{company}", _json(event)))

    def _registered(self, message: Message) -> Message:
        self.counts["registry"] += 1
        self._registry_sent.append(message)
        return message

    def _registry_root(self, roots: list[Root]) -> Root:
        if roots and self._r.random() < 0.4:
            root = self._r.choice(roots)
            root.told += 1
            return root
        roots.append(Root("", self._uuid(), 0))
        return roots[-1]

    def _event(self, kind: str, subject: str, event_id: str, root: Root, revision: int) -> dict[str, Any]:
        event = {
            "specversion": "1.0",
            "id": event_id,
            "source": f"urn:anxing:device:{subject}",
            "type": f"anxing.{kind}.v1",
            "subject": subject,
            "datacontenttype": "application/json",
            "receivedtime": self.now().isoformat(),
        }
        if event_id != root.root:
            event |= {"rootid": root.root, "revision": revision}
        return event

    def _day(self) -> int:
        """Mostly today; some are late, a few are of tomorrow."""
        chance, today = self._r.random(), self._today()
        if chance < 0.04:
            return today + 1
        if chance < 0.16:
            return max(FIRST - 2, today - self._r.choice([1, 2, 3, 7, 40, self._r.randint(1, 130)]))
        return today

    def _today(self) -> int:
        return self.now().astimezone(ZONE).toordinal()

    def _uuid(self) -> str:
        value = f"{self._ids.getrandbits(128):032x}"
        return "-".join((value[:8], value[8:12], value[12:16], value[16:20], value[20:]))


def _iso(day: int) -> str:
    return date.fromordinal(day).isoformat()


def _json(event: dict[str, Any]) -> bytes:
    return json.dumps(event).encode()
