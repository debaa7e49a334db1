"""How an app posts: the same bytes again after every doubt, later and to any replica, until it is told."""

import asyncio
import gzip
import json
import random
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import aiohttp

from tests.faults.intake_book import (
    ABSENT,
    DOUBT,
    FOUND,
    PENDING,
    REPLAYED,
    RETRY,
    STORED,
    UNKNOWN,
    Answer,
    Batch,
    Book,
    Content,
    Receipt,
)

GIVE_UP_SECONDS = 3.5
GROWN_MAX = 20
PAUSE_SECONDS = 0.1
PAUSE_SECONDS_MAX = 1.5
SINGLE = "application/cloudevents+json"
MANY = "application/cloudevents-batch+json"
WORDS = {202: STORED, 200: REPLAYED, 409: "conflict", 403: "forbidden", 400: "rejected", 422: "rejected"}
LATER = frozenset({408, 429, 503})
GONE = (aiohttp.ClientError, TimeoutError, OSError)


class Posting:
    """Posts and asks; everything is noted in the book. `doors` are the addresses of the replicas by slot."""

    def __init__(self, book: Book, doors: Mapping[str, str], chance: random.Random) -> None:
        self.book = book
        self.doors = doors
        self.chance = chance
        self.zipped = False
        self.posts = 0
        self.session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=GIVE_UP_SECONDS), connector=aiohttp.TCPConnector(limit=0)
        )

    async def close(self) -> None:
        await self.session.close()

    def some(self) -> str:
        """Some replica."""
        return self.chance.choice(sorted(self.doors))

    async def settle(self, content: Content, key: str, slot: str | None = None) -> Answer:
        """Until the content has its fate."""
        slot, pause = slot or self.some(), PAUSE_SECONDS
        while True:
            answer = await self.once(content, key, slot)
            if answer.word not in DOUBT:
                return answer
            if self.chance.random() < 0.3:
                found = await self.ask(content, key, self.some())
                if found.word == FOUND:
                    return found
            pause = await self._wait(pause)
            slot = self.some()

    async def settle_all(
        self, contents: Sequence[Content], key: str, more: Callable[[str], Content] | None = None
    ) -> list[Content]:
        """A batch until each of its contents has its fate; what is in doubt is sent again in its order.

        `more` writes what happens meanwhile about a compound, and goes along at the end. Answers all of it.
        """
        batch = Batch(list(contents))
        self.book.batches.append(batch)
        left, pause = list(range(len(contents))), PAUSE_SECONDS
        while left:
            words = await self._batch(batch, left, key)
            left = [place for place, word in zip(left, words, strict=True) if word in DOUBT]
            if not left:
                break
            if more is not None and len(left) < GROWN_MAX and self.chance.random() < 0.7:
                subject = batch.contents[self.chance.choice(left)].subject
                left.append(len(batch.contents))
                batch.contents.append(more(subject))
            # The first time some are impatient.
            if len(batch.verdicts) > 1 or self.chance.random() < 0.5:
                pause = await self._wait(pause)
        return batch.contents

    async def once(self, content: Content, key: str, slot: str) -> Answer:
        """One post of one content."""
        body, headers = content.body, {"content-type": SINGLE}
        if not content.exact:
            body, headers = _binary(content)
        begin = time.time()
        status, answered = await self._post(slot, body, headers, key)
        word = RETRY if status in LATER else WORDS.get(status, UNKNOWN)
        receipt = _receipt(answered) if word in {STORED, REPLAYED} else None
        answer = Answer(begin, time.time(), slot, word, _code(answered), receipt)
        content.answers.append(answer)
        return answer

    async def ask(self, content: Content, key: str, slot: str) -> Answer:
        """What became of it."""
        url = f"{self.doors[slot]}/v1/events/{content.id}?source={quote(content.source)}"
        begin = time.time()
        word, receipt = UNKNOWN, None
        try:
            async with self.session.get(url, headers=_bearer(key)) as response:
                answered = await response.json(content_type=None)
                if response.status == 200:
                    receipt = _receipt(answered) if answered["status"] == "stored" else None
                    # Under its id may lie what another one wrote.
                    ours = receipt is not None and receipt.fingerprint == content.fingerprint
                    word = FOUND if ours else PENDING
                elif response.status == 404:
                    word = ABSENT
                elif response.status != 503:
                    self.book.strange.append(f"GET answered {response.status} {answered}")
        except GONE:
            pass
        answer = Answer(begin, time.time(), slot, word, receipt=receipt)
        # Of the questions only what was found or missed says something.
        if word in {FOUND, ABSENT}:
            content.answers.append(answer)
        return answer

    async def _batch(self, batch: Batch, places: Sequence[int], key: str) -> list[str]:
        sent = [batch.contents[place] for place in places]
        slot, begin = self.some(), time.time()
        body = b"[" + b",".join(content.body for content in sent) + b"]"
        status, answered = await self._post(slot, body, {"content-type": MANY}, key)
        items = answered.get("items") if isinstance(answered, dict) else None
        if items is None:
            items = [{"status": RETRY if status in LATER else UNKNOWN}] * len(sent)
        else:
            batch.verdicts.append(
                [(place, item["status"]) for place, item in zip(places, items, strict=True)]
            )
        end = time.time()
        for content, item in zip(sent, items, strict=True):
            receipt = _receipt(item["receipt"]) if "receipt" in item else None
            code = _code(item.get("problem", {}))
            content.answers.append(Answer(begin, end, slot, item["status"], code, receipt))
        return [item["status"] for item in items]

    async def _post(
        self, slot: str, body: bytes, headers: dict[str, str], key: str
    ) -> tuple[int, dict[str, Any]]:
        """Status and answer; 0 when there was none."""
        self.posts += 1
        headers |= _bearer(key)
        if self.chance.random() < 0.3:
            headers["sent-at"] = datetime.now(UTC).isoformat()
        if self.zipped and self.chance.random() < 0.3:
            body, headers["content-encoding"] = gzip.compress(body, 1), "gzip"
        try:
            async with self.session.post(
                f"{self.doors[slot]}/v1/events", data=body, headers=headers
            ) as response:
                text = await response.read()
                status = response.status
        except GONE:
            return 0, {}
        try:
            answered: dict[str, Any] = json.loads(text)
        except ValueError:
            answered = {}
        if status not in WORDS and status not in LATER and status != 207:
            self.book.strange.append(f"POST answered {status} {text[:300]!r}")
        return status, answered

    async def _wait(self, pause: float) -> float:
        await asyncio.sleep(pause * self.chance.uniform(0.5, 1.0))
        return min(pause * 2, PAUSE_SECONDS_MAX)


async def takes_gzip(posting: Posting, content: Content, key: str) -> bool:
    """Whether the door takes a compressed body; to whoever settles the content, its fate is in doubt."""
    headers = {"content-type": SINGLE, "content-encoding": "gzip", **_bearer(key)}
    slot, begin = posting.some(), time.time()
    url = f"{posting.doors[slot]}/v1/events"
    async with posting.session.post(url, data=gzip.compress(content.body), headers=headers) as response:
        content.answers.append(Answer(begin, time.time(), slot, UNKNOWN))
        return response.status == 202


def _binary(content: Content) -> tuple[bytes, dict[str, str]]:
    event = json.loads(content.body)
    data = json.dumps(event.pop("data"), ensure_ascii=False).encode()
    headers = {f"ce-{name}": quote(str(value), safe=" :/+-.") for name, value in event.items()}
    return data, {"content-type": "application/json", **headers}


def _bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def _receipt(body: dict[str, Any]) -> Receipt:
    return Receipt(
        body["topic"], body["partition"], body["offset"], body["receivedtime"], body["fingerprint"]
    )


def _code(body: dict[str, Any]) -> str:
    return str(body.get("type", "")).rpartition(":")[2]
