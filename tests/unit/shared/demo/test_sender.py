"""The sender against a door that fails in every way it may, over real sockets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime

import pytest
from aiohttp import web
from shared.demo.district import ZONE
from shared.demo.event import Event, Pen
from shared.demo.sender import BATCH_BYTES_MAX, Progress, Sender, SendingFailed, batches
from shared.events.facts import ObjectionFiled, PatrolLogged

DAY = date(2026, 11, 24)


def events(number: int, compounds: int = 5) -> list[Event]:
    pen = Pen("test")
    at = datetime(2026, 11, 24, 9, 0, tzinfo=ZONE)
    return [
        pen.write(
            f"C{n % compounds:05}",
            at + timedelta(seconds=n),
            PatrolLogged(date=DAY, gate="南门", rounds_done=n, rounds_required=n),
            source="urn:anxing:test",
        )
        for n in range(number)
    ]


Answer = Callable[[list[dict]], web.Response | None]


class Door:
    """An intake that takes what `script` lets through; None as an answer cuts the line after storing."""

    def __init__(self, script: Iterator[Answer]) -> None:
        self._script = script
        # What was offered, with what was already stored when it was.
        self.offered: list[tuple[list[str], frozenset[tuple[str, str]]]] = []
        self.stored: list[tuple[str, str]] = []
        self.stored_by_compound: defaultdict[str, list[str]] = defaultdict(list)
        self.keys: set[str | None] = set()
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> str:
        app = web.Application(client_max_size=2 * BATCH_BYTES_MAX)
        app.router.add_post("/v1/events", self._take)
        self._runner = web.AppRunner(app, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        assert request.content_type == "application/cloudevents-batch+json"
        assert datetime.fromisoformat(request.headers["Sent-At"]).tzinfo is not None
        self.keys.add(request.headers.get("Authorization"))
        batch = await request.json()
        self.offered.append(([event["id"] for event in batch], frozenset(self.stored)))
        answer = next(self._script)(batch)
        if answer is None:
            self.store(batch)
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        return answer

    def store(self, batch: list[dict]) -> list[dict]:
        """Takes what is new, in order, and says so."""
        items = []
        for index, event in enumerate(batch):
            identity = event["source"], event["id"]
            repeat = identity in self.stored
            if not repeat:
                self.stored.append(identity)
                self.stored_by_compound[event["subject"]].append(event["id"])
            items.append({"index": index, "id": event["id"], "status": "replayed" if repeat else "stored"})
        return items

    def accept(self, batch: list[dict]) -> web.Response:
        return web.json_response({"items": self.store(batch)}, status=202)

    def accept_half(self, batch: list[dict]) -> web.Response:
        """Stores the first half; everything after is to come again."""
        half = len(batch) // 2
        again = [{"index": half + n, "id": e["id"], "status": "retry"} for n, e in enumerate(batch[half:])]
        headers = {"Retry-After": "0"}
        return web.json_response({"items": self.store(batch[:half]) + again}, status=207, headers=headers)

    def proxy_error(self, _: list[dict]) -> web.Response:
        """What stands before intake while it restarts: no JSON at all."""
        return web.Response(status=502, text="<html>bad gateway</html>", content_type="text/html")


def scripted(*answers: str | int) -> Door:
    """A door with these answers, by name or status, and after them `accept` for ever."""

    def steps() -> Iterator[Answer]:
        for answer in answers:
            match answer:
                case "cut":
                    yield lambda _: None
                case str():
                    yield getattr(door, answer)
                case int():
                    yield lambda _, status=answer: web.json_response(
                        {"type": "x"}, status=status, headers={"Retry-After": "0"}
                    )
        while True:
            yield door.accept

    door = Door(steps())
    return door


async def test_every_event_is_answered_and_counted_once() -> None:
    door, told = scripted(), list[Progress]()
    sent = events(60)
    async with door as url, Sender(url, "ax_k_s", batch_events=7, on_progress=told.append) as sender:
        progress = await sender.send([*sent, sent[3], sent[40]])
    assert progress == Progress(answered=60, refused=0, total=62, retries=0)
    assert sender.answered == {event.identity for event in sent} == set(door.stored)
    assert told[-1] == progress
    assert door.keys == {"Bearer ax_k_s"}


@pytest.mark.parametrize(
    "trouble",
    [
        ("cut",),
        (503, 429, 408),
        ("proxy_error",),
        (500, "accept_half", 503, "accept_half"),
        ("cut", "accept", "cut", "accept_half"),
    ],
)
async def test_trouble_is_outlived_with_the_same_ids_in_the_same_order(
    trouble: tuple[str | int, ...],
) -> None:
    door = scripted(*trouble)
    sent = events(40)
    async with door as url, Sender(url, "k", lanes=1, batch_events=10) as sender:
        progress = await sender.send(sent)
    assert progress.answered == 40
    assert progress.retries >= 1
    assert sender.answered == set(door.stored) == {event.identity for event in sent}
    for compound, ids in door.stored_by_compound.items():
        assert ids == [event.id for event in sent if event.subject == compound]


async def test_the_next_batch_of_a_compound_waits_for_the_verdict_of_the_last() -> None:
    door = scripted(*["accept_half"] * 12)
    sent = events(48, compounds=3)
    async with door as url, Sender(url, "k", lanes=3, batch_events=4) as sender:
        await sender.send(sent)
    before: dict[str, list[Event]] = {}
    for event in sent:
        before[event.id] = [e for e in sent if e.subject == event.subject and e.time < event.time]
    for ids, stored in door.offered:
        for index, event_id in enumerate(ids):
            assert all(e.identity in stored or e.id in ids[:index] for e in before[event_id])
    for compound, ids in door.stored_by_compound.items():
        assert ids == [event.id for event in sent if event.subject == compound]


async def test_what_intake_will_never_take_is_told_and_the_rest_goes_on() -> None:
    def refuse_first(batch: list[dict]) -> web.Response:
        items = door.store(batch[1:])
        refused = {"index": 0, "id": batch[0]["id"], "status": "rejected", "problem": {"type": "schema"}}
        return web.json_response({"items": [refused, *items]}, status=207)

    door = Door(iter([refuse_first]))
    sent = events(4, compounds=1)
    async with door as url, Sender(url, "k") as sender:
        progress = await sender.send(sent)
    assert (progress.answered, progress.refused) == (3, 1)
    assert sender.refused[0].event == sent[0]
    assert "schema" in sender.refused[0].problem
    assert sent[0].identity not in sender.answered


async def test_a_batch_refused_as_one_with_its_item_list_is_no_failure() -> None:
    def conflict(batch: list[dict]) -> web.Response:
        items = [{"index": n, "id": e["id"], "status": "conflict"} for n, e in enumerate(batch)]
        return web.json_response({"type": "x", "items": items}, status=409)

    async with Door(iter([conflict])) as url, Sender(url, "k") as sender:
        progress = await sender.send(events(3, compounds=1))
    assert (progress.answered, progress.refused) == (0, 3)


@pytest.mark.parametrize("status", [400, 401, 403, 413])
async def test_a_refused_sender_says_so_at_once(status: int) -> None:
    async with scripted(status) as url, Sender(url, "k") as sender:
        with pytest.raises(SendingFailed, match=rf"refused the batch with {status} x"):
            await sender.send(events(1))


async def test_no_verdict_within_the_deadline_is_a_failure() -> None:
    door = scripted(*[503] * 1000)
    async with door as url, Sender(url, "k", deadline_seconds=0.5) as sender:
        with pytest.raises(SendingFailed, match=r"no verdict for 1 events within 0\.5 s"):
            await sender.send(events(1))


async def test_nobody_listening_is_outlived_too() -> None:
    async with scripted() as url:
        pass
    async with Sender(url, "k", deadline_seconds=0.5) as sender:
        with pytest.raises(SendingFailed, match="no verdict"):
            await sender.send(events(1))


def test_batches_keep_both_limits_of_the_door() -> None:
    pen, roots = Pen("large"), [f"019cac25-1940-7000-8000-{n:012x}" for n in range(100)]
    large = [
        pen.write(
            "C1",
            datetime(2026, 11, 24, 9, 0, tzinfo=ZONE),
            ObjectionFiled(objection_id=f"O{n}", against=tuple(roots), grounds="异议" * 600),
            source="urn:anxing:test",
        )
        for n in range(400)
    ]
    cut = list(batches(large))
    assert [event for batch in cut for event in batch] == large
    assert len(cut) > 1
    assert all(len(b"[" + b",".join(e.raw for e in batch) + b"]") <= BATCH_BYTES_MAX for batch in cut)
    assert [len(batch) for batch in batches(events(1200))] == [500, 500, 200]


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        ("3", 3.0, 3.5),
        ("0", 0.0, 0.5),
        ("86400", 60.0, 60.5),
        (format_datetime(datetime.now(UTC) - timedelta(hours=1), usegmt=True), 0.0, 0.5),
        (format_datetime(datetime.now(UTC) + timedelta(days=1), usegmt=True), 60.0, 60.5),
    ],
)
def test_retry_after_is_honoured_within_bounds(header: str, least: float, most: float) -> None:
    seconds = Sender("http://127.0.0.1:1", "k")._retry_after(header)
    assert seconds is not None
    assert least <= seconds <= most


@pytest.mark.parametrize("header", [None, "soon", "-1", "1.5"])
def test_a_retry_after_that_says_nothing_leaves_the_backoff(header: str | None) -> None:
    assert Sender("http://127.0.0.1:1", "k")._retry_after(header) is None
