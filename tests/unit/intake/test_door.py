"""Verdicts of single events and batches: order, repeats, conflicts, and what is retried."""

import asyncio
import json
from datetime import timedelta

import pytest
from intake.domain.callers import Reach
from intake.domain.offers import Offer
from intake.domain.verdicts import Fault, Grounds, Refusal, Status, Verdict, shared_fate
from intake.handlers.door import Door
from intake.handlers.judging import Entry, Judge
from shared.runtime.clock import FixedClock

from tests.unit.intake.events import NOW, caller, offer
from tests.unit.intake.fakes import FixedPlaces, MemoryLog, MemoryReceipts, Shelf, StepClock
from tests.unit.intake.receipts_suite import reservation

OFFICER = caller()
UNREADABLE = Refusal(Grounds.MALFORMED, "invalid_json", "Not valid JSON.", (Fault("", "invalid_json"),))


class Scene:
    """A door with everything around it in memory."""

    def __init__(self, shelf: Shelf | None = None, log: MemoryLog | None = None) -> None:
        self.receipts = MemoryReceipts(shelf)
        self.log = log or MemoryLog()
        self.door = Door(self.receipts, self.log, FixedPlaces(), StepClock(), busy_wait_seconds=2.0)

    async def batch(self, *offers: Offer | Refusal) -> list[Verdict]:
        return await self.door.admit_all(offers, OFFICER)

    @property
    def subjects(self) -> list[str]:
        return [key for key, _ in self.log.records]


@pytest.fixture
def scene() -> Scene:
    return Scene()


def words(verdicts: list[Verdict]) -> list[str]:
    return [verdict.status.value for verdict in verdicts]


def again(first: Offer, **changes: object) -> Offer:
    """The same id once more, perhaps with other content."""
    return offer(**{"id": first.id, "sent_id": first.sent_id, "root": first.root, **changes})


async def test_an_event_is_stored_and_then_replayed(scene: Scene) -> None:
    event = offer()
    first = await scene.door.admit(event, OFFICER)
    assert (first.status, first.http_status) == (Status.STORED, 202)
    second = await scene.door.admit(event, OFFICER)
    assert (second.status, second.http_status) == (Status.REPLAYED, 200)
    assert second.receipt == first.receipt
    assert len(scene.log.records) == 1


async def test_what_is_published_carries_its_stamps(scene: Scene) -> None:
    verdict = await scene.door.admit(offer(), OFFICER, NOW)
    assert verdict.receipt is not None
    published = json.loads(scene.log.records[0][1])
    assert published["receivedtime"] == verdict.receipt.received_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    assert (published["actorid"], published["actorrole"]) == ("P0007", "officer")
    assert published["clockskewms"] == 0


async def test_received_times_only_grow(scene: Scene) -> None:
    verdicts = await scene.batch(*(offer() for _ in range(50)))
    times = [verdict.receipt.received_at for verdict in verdicts if verdict.receipt is not None]
    assert len(set(times)) == 50
    assert times == sorted(times)


def test_a_clock_that_was_wrong_is_not_held_on_to() -> None:
    clock = FixedClock(NOW + timedelta(days=400))
    judge = Judge(MemoryLog(), FixedPlaces(), clock)
    received = []
    for seconds_back in (0, 1, 400):
        clock.set(NOW - timedelta(seconds=seconds_back))
        entry = judge.judge(offer(), OFFICER, None)
        assert isinstance(entry, Entry)
        received.append(entry.reservation.received_at - NOW)
    # A small step back is smoothed over.
    assert received == [timedelta(), timedelta(microseconds=1), timedelta(seconds=-400)]


async def test_same_id_with_other_content_shows_both_fingerprints(scene: Scene) -> None:
    event = offer()
    await scene.door.admit(event, OFFICER)
    verdict = await scene.door.admit(again(event, fingerprint=b"g" * 32), OFFICER)
    assert verdict.refusal is not None
    assert (verdict.status, verdict.http_status) == (Status.CONFLICT, 409)
    assert (verdict.refusal.fingerprint, verdict.refusal.stored_fingerprint) == ("67" * 32, "66" * 32)
    assert len(scene.log.records) == 1


async def test_what_a_key_may_not_is_forbidden(scene: Scene) -> None:
    verdict = await scene.door.admit(offer(), caller(reach=Reach(compounds=frozenset({"C1"}))))
    assert (verdict.status, verdict.http_status) == (Status.FORBIDDEN, 403)
    assert scene.receipts.shelf.rows == {}


@pytest.mark.parametrize("together", [True, False])
async def test_many_posts_of_one_id_over_two_replicas(together: bool) -> None:
    shelf, log = Shelf(), MemoryLog()
    doors = [Scene(shelf, log).door, Scene(shelf, log).door]
    event = offer()

    async def post(number: int) -> Verdict:
        door = doors[number % 2]
        if together:
            return await door.admit(event, OFFICER)
        return (await door.admit_all([event], OFFICER))[0]

    verdicts = await asyncio.gather(*(post(number) for number in range(50)))
    assert words(list(verdicts)).count("stored") == 1
    assert words(list(verdicts)).count("replayed") == 49
    assert len(log.records) == 1


async def test_two_contents_of_one_id_at_once(scene: Scene) -> None:
    event = offer()
    other = again(event, fingerprint=b"g" * 32)
    verdicts = await asyncio.gather(
        scene.door.admit(event, OFFICER), scene.door.admit(other, OFFICER), scene.door.admit(event, OFFICER)
    )
    assert words(list(verdicts)) == ["stored", "conflict", "replayed"]
    assert len(scene.log.records) == 1


async def test_single_events_at_once_are_carried_together(scene: Scene) -> None:
    verdicts = await asyncio.gather(*(scene.door.admit(offer(), OFFICER) for _ in range(40)))
    assert words(list(verdicts)) == ["stored"] * 40
    assert scene.log.calls == 1


async def test_one_that_is_not_acknowledged_does_not_fail_the_others(scene: Scene) -> None:
    scene.log.failing = {"C2"}
    events = [offer(subject=key, key=key) for key in ("C1", "C2", "C3")]
    verdicts = await asyncio.gather(*(scene.door.admit(event, OFFICER) for event in events))
    assert words(list(verdicts)) == ["stored", "retry", "stored"]
    # What was not stored is free for the next attempt at once.
    scene.log.failing = set()
    assert (await scene.door.admit(events[1], OFFICER)).status is Status.STORED


async def test_without_receipts_nothing_is_published(scene: Scene) -> None:
    scene.receipts.away = True
    assert (await scene.door.admit(offer(), OFFICER)).http_status == 503
    assert words(await scene.batch(offer(), offer())) == ["retry", "retry"]
    assert scene.log.records == []


async def test_what_lies_on_its_topic_is_stored_though_its_receipt_is_not_complete(scene: Scene) -> None:
    event = offer()
    scene.log.gate.clear()
    posting = asyncio.ensure_future(scene.door.admit(event, OFFICER))
    await scene.log.called.wait()
    scene.receipts.away = True
    scene.log.gate.set()
    assert (await posting).status is Status.STORED


async def test_a_reservation_of_a_dead_replica_is_waited_for_and_ends_in_retry(scene: Scene) -> None:
    event = offer()
    dead = Scene(scene.receipts.shelf)
    dead.log.gate.clear()
    posting = asyncio.ensure_future(dead.door.admit(event, OFFICER))
    await dead.log.called.wait()
    assert (await scene.door.admit(event, OFFICER)).status is Status.RETRY
    # Its time is over: whoever posts the id again takes it over, and nothing is lost.
    scene.receipts.shelf.rows[event.identity].free = True
    assert (await scene.door.admit(event, OFFICER)).status is Status.STORED
    posting.cancel()


async def test_verdicts_of_a_batch_stand_in_the_order_of_the_request(scene: Scene) -> None:
    known, stranger = offer(), offer(kind="patrol.logged", type="anxing.patrol.logged.v1")
    await scene.door.admit(known, OFFICER)
    conflicting = again(known, fingerprint=b"g" * 32)
    verdicts = await scene.batch(offer(), UNREADABLE, known, stranger, conflicting, offer())
    assert words(verdicts) == ["stored", "rejected", "replayed", "forbidden", "conflict", "stored"]
    assert shared_fate(verdicts) == 207


async def test_an_id_twice_in_one_batch(scene: Scene) -> None:
    event = offer()
    verdicts = await scene.batch(event, offer(), event, again(event, fingerprint=b"g" * 32))
    assert words(verdicts) == ["stored", "stored", "replayed", "conflict"]
    assert verdicts[2].receipt == verdicts[0].receipt
    assert len(scene.log.records) == 2


async def test_once_an_event_of_a_compound_is_retried_its_later_ones_are_too(scene: Scene) -> None:
    busy = offer(subject="C1", key="C1")
    taken = reservation(id=busy.id, source=busy.source, fingerprint=busy.fingerprint)
    await scene.receipts.reserve([taken])
    others = [offer(subject=key, key=key) for key in ("C1", "C2", "C1", "C2")]
    verdicts = await scene.batch(others[0], others[1], busy, others[2], others[3])
    assert words(verdicts) == ["stored", "stored", "retry", "retry", "stored"]
    assert verdicts[3].refusal is not None
    assert verdicts[3].refusal.code == "behind_retry"
    assert sorted(scene.subjects) == ["C1", "C2", "C2"]


async def test_an_event_behind_one_that_was_not_acknowledged_is_retried_and_then_replayed(
    scene: Scene,
) -> None:
    first, second = offer(subject="C1", key="C1"), offer(subject="C1", key="C1")
    append, calls = scene.log._append, iter((True, False))

    def losing(key: str, value: bytes) -> int | None:
        return None if next(calls, False) else append(key, value)

    scene.log._append = losing  # type: ignore[method-assign]
    assert words(await scene.batch(first, second)) == ["retry", "retry"]
    assert words(await scene.batch(first, second)) == ["stored", "replayed"]


async def test_the_order_of_a_compound_is_that_of_the_batch(scene: Scene) -> None:
    events = [offer(subject=f"C{n % 3}", key=f"C{n % 3}", raw=b'{"n":%d}' % n) for n in range(60)]
    await scene.batch(*events)
    numbers = [json.loads(value)["n"] for key, value in scene.log.records if key == "C1"]
    assert numbers == sorted(numbers)
    assert len(numbers) == 20


async def test_a_batch_waits_for_an_id_of_another_request(scene: Scene) -> None:
    event = offer(subject="C1", key="C1")
    scene.log.gate.clear()
    single = asyncio.ensure_future(scene.door.admit(event, OFFICER))
    await scene.log.called.wait()
    batch = asyncio.ensure_future(scene.batch(event, offer(subject="C1", key="C1"), offer(subject="C2")))
    await asyncio.sleep(0)
    scene.log.gate.set()
    assert (await single).status is Status.STORED
    assert words(await batch) == ["replayed", "stored", "stored"]


async def test_an_empty_batch_has_no_verdicts(scene: Scene) -> None:
    assert await scene.batch() == []


def test_a_shared_fate_is_the_status_of_the_batch() -> None:
    gone = Verdict(Status.RETRY, refusal=Refusal(Grounds.AWAY, "not_stored", ""))
    stored, replayed = Verdict(Status.STORED), Verdict(Status.REPLAYED)
    assert shared_fate([stored, stored]) == 202
    assert shared_fate([replayed]) == 200
    assert shared_fate([gone, gone]) == 503
    assert shared_fate([stored, replayed]) == 207
