"""The live part of the demo: things keep happening, and the screen shows what follows from them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import aiohttp

from shared.demo.district import ZONE, District
from shared.demo.feed import Feed
from shared.demo.journal import Journal
from shared.demo.reading import Backlog, Reading
from shared.demo.receiver import Received, Receiver
from shared.demo.screen import CompoundRow, Line, Screen, View, points
from shared.demo.sender import Sender, plainly

EVENT_SECONDS: Final = 0.7
LOOK_SECONDS: Final = 1.0
LINES_KEPT: Final = 60


class Show:
    """Feeds the system and draws what it answers, until cancelled."""

    def __init__(
        self,
        district: District,
        reading: Reading,
        receiver: Receiver,
        journal: Journal,
        addresses: Sequence[tuple[str, str]],
    ) -> None:
        self._district = district
        self._reading = reading
        self._receiver = receiver
        self._journal = journal
        self._addresses = addresses
        self._movements: deque[Line] = deque(maxlen=LINES_KEPT)
        self._notices: deque[Line] = deque(maxlen=LINES_KEPT)
        self._before: dict[str, Mapping[str, Any]] = {}
        self._opening: dict[str, int] = {}

    async def run(self, intake: str, key: str) -> None:
        """Never returns by itself; raises SendingFailed when intake refuses the feed."""
        for received in self._receiver.notices:
            self.on_notice(received)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._feed(intake, key))
            group.create_task(self._draw())

    def on_notice(self, received: Received) -> None:
        """One more notice for the screen."""
        words = received.body["data"].get("notice", {})
        self._notices.append(
            Line(received.at.astimezone(ZONE), str(words.get("title", received.body["type"])))
        )

    async def _feed(self, intake: str, key: str) -> None:
        async with Sender(intake, key) as sender:
            for event in Feed(self._district, lambda: datetime.now(ZONE)):
                try:
                    await sender.send([event])
                finally:
                    self._journal.note(sender.answered)
                    sender.answered.clear()
                await asyncio.sleep(EVENT_SECONDS)

    async def _draw(self) -> None:
        with Screen() as screen:
            while True:
                backlog: Backlog | None = None
                try:
                    self._compare(await self._reading.compounds())
                    backlog = await self._reading.backlog()
                except (aiohttp.ClientError, TimeoutError):
                    # A service is being restarted; the screen says that the lag is not known.
                    pass
                screen.show(self._view(backlog))
                await asyncio.sleep(LOOK_SECONDS)

    def _compare(self, compounds: Sequence[Mapping[str, Any]]) -> None:
        now = datetime.now(ZONE)
        for compound in compounds:
            before = self._before.get(compound["id"])
            score = compound["score_milli"]
            if score is not None:
                self._opening.setdefault(compound["id"], score)
            if before is not None and before["score_milli"] is not None and score is not None:
                change = score - before["score_milli"]
                if change:
                    sign = "+" if change > 0 else "-"
                    text = f"{compound['name']} {sign}{points(abs(change))} → {points(score)}"
                    self._movements.append(Line(now, text, good=change > 0))
            self._before[compound["id"]] = compound

    def _view(self, backlog: Backlog | None) -> View:
        return View(
            title=self._district.name,
            now=datetime.now(ZONE),
            compounds=[
                CompoundRow(
                    id=each["id"],
                    name=each["name"],
                    stars=each["star"],
                    score_milli=each["score_milli"],
                    moved_milli=(each["score_milli"] or 0)
                    - self._opening.get(each["id"], each["score_milli"] or 0),
                )
                for each in self._before.values()
            ],
            movements=list(self._movements),
            notices=list(self._notices),
            facts_posted=len(self._journal.answered),
            notices_received=len(self._receiver.notices),
            lag_records=None if backlog is None else backlog.total,
            addresses=self._addresses,
        )


async def show_until_cancelled(show: Show, intake: str, key: str) -> None:
    """Runs the show; one plain exception instead of a group."""
    with plainly():
        await show.run(intake, key)
