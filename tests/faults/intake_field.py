"""The people of a run: each with a device of its own, doing one thing after the other until it is settled."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass

from tests.faults.intake_book import DOUBT, TAKEN, Content
from tests.faults.intake_posting import Posting
from tests.faults.intake_writing import COMPOUNDS, Fact, Writing

REMEMBERED = 400
FACTS_MAX = 3_000
# What a key of a scope reaches.
OWN = COMPOUNDS[:4]


@dataclass(frozen=True)
class Keys:
    """Keys by what they may do; all of them of one organisation."""

    officer: str
    scoped: str
    registrar: str


@dataclass(frozen=True)
class Rhythm:
    """How many devices there are, and the seconds between what each does."""

    devices: int = 30
    pause: tuple[float, float] = (0.15, 0.6)


class Field:
    """All devices of a run."""

    def __init__(self, writing: Writing, posting: Posting, keys: Keys, chance: random.Random) -> None:
        self._writing = writing
        self._posting = posting
        self._keys = keys
        self._chance = chance
        self._taken: list[Content] = []
        """Some of what was taken in, to be posted again."""

    async def live(self, rhythm: Rhythm, until: asyncio.Event) -> None:
        """Until then, and until everything that was begun is settled."""
        async with asyncio.TaskGroup() as group:
            for number in range(rhythm.devices):
                group.create_task(self._device(f"urn:anxing:device:D{number:04d}", rhythm, until))

    async def _device(self, source: str, rhythm: Rhythm, until: asyncio.Event) -> None:
        doings = (
            (30, self._single),
            (8, self._headers),
            (30, self._batch),
            (9, self._again),
            (6, self._other_content),
            (2, self._two_contents),
            (2, self._many_at_once),
            (8, self._correct),
            (2, self._correct_twice),
            (3, self._register),
            (5, self._scoped),
            (3, self._wrong),
        )
        weights = [weight for weight, _ in doings]
        while not until.is_set():
            [(_, doing)] = self._chance.choices(doings, weights)
            await doing(source)
            await asyncio.sleep(self._chance.uniform(*rhythm.pause))

    def _note(self, contents: Sequence[Content]) -> None:
        for content in contents:
            if not content.taken or content.key != content.subject:
                continue
            if len(self._taken) < REMEMBERED:
                self._taken.append(content)
            else:
                self._taken[self._chance.randrange(REMEMBERED)] = content
            if content.revision == 1 and len(self._writing.facts) < FACTS_MAX:
                self._writing.facts.append(Fact(content))

    async def _single(self, source: str) -> None:
        """One event; when its fate is in doubt, sometimes newer ones of its compound go along behind it."""
        content = self._writing.incident(source)
        if self._chance.random() < 0.5:
            await self._posting.settle(content, self._keys.officer)
            self._note([content])
            return
        answer = await self._posting.once(content, self._keys.officer, self._posting.some())
        if answer.word in DOUBT:
            await self._in_order(source, [content, self._writing.incident(source, content.subject)])

    async def _in_order(self, source: str, contents: Sequence[Content]) -> None:
        """As one batch; what happens while it is in doubt goes along behind it."""
        settled = await self._posting.settle_all(
            contents, self._keys.officer, lambda subject: self._writing.incident(source, subject)
        )
        self._note(settled)

    async def _headers(self, source: str) -> None:
        content = self._writing.incident(source)
        content.exact = False
        await self._posting.settle(content, self._keys.officer)

    async def _batch(self, source: str) -> None:
        """Several compounds, interleaved; sometimes with something wrong among them."""
        subjects = self._chance.sample(COMPOUNDS, self._chance.randint(1, 4))
        contents = [
            self._writing.wrong(source)
            if self._chance.random() < 0.02
            else self._writing.incident(source, self._chance.choice(subjects))
            for _ in range(self._chance.randint(2, 14))
        ]
        # The bytes of an item that is no JSON would take the others with it; ours is always JSON.
        await self._in_order(source, contents)

    async def _again(self, source: str) -> None:
        """What was taken in before, mostly to the other replica."""
        del source
        if self._taken:
            content = self._chance.choice(self._taken)
            last = content.answers[-1].slot
            others = [slot for slot in self._posting.doors if slot != last]
            await self._posting.settle(content, self._keys.officer, self._chance.choice([*others, last]))
            if self._chance.random() < 0.5:
                await self._posting.ask(content, self._keys.officer, self._posting.some())

    async def _other_content(self, source: str) -> None:
        del source
        if self._taken:
            other = self._writing.other(self._chance.choice(self._taken))
            await self._posting.settle(other, self._keys.officer)

    async def _two_contents(self, source: str) -> None:
        """Two contents under one id at the same time, one to each replica."""
        one = self._writing.incident(source)
        two = self._writing.other(one)
        await self._side_by_side([one, two])

    async def _many_at_once(self, source: str) -> None:
        """The same from an impatient finger."""
        content = self._writing.incident(source)
        await self._side_by_side([content] * 4)

    async def _side_by_side(self, contents: Sequence[Content]) -> None:
        slots = sorted(self._posting.doors)
        async with asyncio.TaskGroup() as group:
            for number, content in enumerate(contents):
                slot = slots[number % len(slots)]
                group.create_task(self._posting.settle(content, self._keys.officer, slot))

    async def _correct(self, source: str) -> None:
        """The next revision of a fact of anybody, and sometimes those after it."""
        del source
        if (fact := self._take_fact()) is None:
            return
        for _ in range(self._chance.randint(1, 3)):
            answer = await self._posting.settle(self._writing.correction(fact), self._keys.officer)
            if answer.word not in TAKEN:
                return
            fact.revision += 1
        self._writing.facts.append(fact)

    async def _correct_twice(self, source: str) -> None:
        """Two corrections of one revision at the same time: one of them is stale."""
        del source
        if (fact := self._take_fact()) is not None:
            await self._side_by_side([self._writing.correction(fact) for _ in range(2)])

    def _take_fact(self) -> Fact | None:
        facts = self._writing.facts
        if not facts:
            return None
        place = self._chance.randrange(len(facts))
        facts[place], facts[-1] = facts[-1], facts[place]
        return facts.pop()

    async def _register(self, source: str) -> None:
        await self._posting.settle(self._writing.registration(source), self._keys.registrar)

    async def _scoped(self, source: str) -> None:
        """With a key for some compounds, about one of those or about another."""
        outside = self._chance.random() < 0.4
        subject = self._chance.choice(COMPOUNDS[len(OWN) :] if outside else OWN)
        content = self._writing.incident(source, subject, never=outside)
        await self._posting.settle(content, self._keys.scoped)

    async def _wrong(self, source: str) -> None:
        await self._posting.settle(self._writing.wrong(source), self._keys.officer)
