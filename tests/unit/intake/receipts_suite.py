"""What every receipts port must do; run over the one in memory and the one on PostgreSQL."""

import asyncio
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from intake.domain.reservations import FRESH, Barred, Busy, Reservation, Settled, Standing
from intake.domain.verdicts import Grounds
from intake.ports import Receipts

# A port whose reservations expire at once when asked for, else not while a test runs.
MakeReceipts = Callable[..., Any]


def reservation(**changes: Any) -> Reservation:
    """The reservation of a first revision; changes replace fields, `root` follows `id`."""
    event_id = changes.get("id", str(uuid.uuid4()))
    values: dict[str, Any] = {
        "id": event_id,
        "source": "urn:anxing:device:D0001",
        "fingerprint": b"f" * 32,
        "credential": "K1",
        "topic": "anxing.facts.v1",
        "partition": 3,
        "received_at": datetime.now(UTC),
        "has_head": True,
        "subject": "C00017",
        "root": event_id,
        "revision": 1,
        "recorder": "S1",
        "rank": 1,
        "kind": "incident.recorded",
        "withdraws": False,
        "day": date(2026, 5, 1),
        "roles": frozenset({"officer"}),
    }
    return Reservation(**{**values, **changes})


def correction(of: Reservation, revision: int, **changes: Any) -> Reservation:
    return reservation(**{"root": of.root, "revision": revision, **changes})


async def one(receipts: Receipts, wanted: Reservation) -> Standing:
    (standing,) = await receipts.reserve([wanted])
    return standing


class ReceiptsSuite:
    """Inherit and give a fixture `receipts` of type MakeReceipts."""

    async def test_a_new_id_is_ours_until_it_is_completed(self, receipts: MakeReceipts) -> None:
        port = await receipts()
        mine = reservation()
        assert await one(port, mine) is FRESH
        assert await one(port, mine) == Busy(mine.fingerprint)
        await port.complete([(mine, 41)])
        standing = await one(port, mine)
        assert isinstance(standing, Settled)
        receipt = standing.receipt
        assert (receipt.id, receipt.topic, receipt.partition, receipt.offset) == (
            mine.id,
            mine.topic,
            3,
            41,
        )
        assert (receipt.received_at, receipt.fingerprint) == (mine.received_at, mine.fingerprint)

    async def test_identity_is_id_and_source(self, receipts: MakeReceipts) -> None:
        port = await receipts()
        mine = reservation()
        other = reservation(id=mine.id, source="urn:anxing:device:D0002")
        assert list(await port.reserve([mine, other])) == [FRESH, FRESH]
        await port.complete([(mine, 1), (other, 2)])
        found = await port.find(mine.id, None, "K1")
        assert [(source, receipt.offset) for source, receipt in found] == [
            (mine.source, 1),
            (other.source, 2),
        ]
        assert [receipt.offset for _, receipt in await port.find(mine.id, other.source, "K9")] == [2]
        assert await port.find(mine.id, None, "K9") == []
        assert await port.find(str(uuid.uuid4()), None, "K1") == []

    async def test_other_content_is_told_by_its_fingerprint(self, receipts: MakeReceipts) -> None:
        port = await receipts()
        mine = reservation()
        await one(port, mine)
        assert await one(port, reservation(id=mine.id, fingerprint=b"g" * 32)) == Busy(mine.fingerprint)

    async def test_many_at_once_and_in_order(self, receipts: MakeReceipts) -> None:
        port = await receipts()
        known = [reservation() for _ in range(3)]
        await port.reserve(known)
        await port.complete([(each, offset) for offset, each in enumerate(known)])
        fresh = [reservation() for _ in range(4)]
        asked = [fresh[0], known[1], fresh[1], known[0], known[2], fresh[2], fresh[3]]
        standings = await port.reserve(asked)
        offsets = [
            standing.receipt.offset if isinstance(standing, Settled) else standing for standing in standings
        ]
        assert offsets == [FRESH, 1, FRESH, 0, 2, FRESH, FRESH]

    async def test_of_many_who_want_one_id_one_gets_it(self, receipts: MakeReceipts) -> None:
        ports = [await receipts() for _ in range(3)]
        mine = reservation()
        standings = await asyncio.gather(*(one(port, mine) for port in ports))
        assert standings.count(FRESH) == 1
        assert standings.count(Busy(mine.fingerprint)) == 2

    async def test_what_was_left_behind_is_taken_over_once(self, receipts: MakeReceipts) -> None:
        dead = await receipts(reserved_seconds=-1.0)
        mine = reservation()
        assert await one(dead, mine) is FRESH
        ports = [await receipts() for _ in range(3)]
        standings = await asyncio.gather(*(one(port, mine) for port in ports))
        assert standings.count(FRESH) == 1
        # For the same content only: what was left behind may be on its topic.
        other = reservation()
        await one(dead, other)
        assert await one(ports[0], reservation(id=other.id, fingerprint=b"g" * 32)) == Busy(other.fingerprint)

    async def test_what_was_released_is_free_at_once(self, receipts: MakeReceipts) -> None:
        port = await receipts()
        mine = reservation()
        await one(port, mine)
        port.release([mine])
        assert await one(port, reservation()) is FRESH
        assert await one(port, mine) is FRESH

    async def test_the_next_revision_becomes_the_head(self, receipts: MakeReceipts) -> None:
        port = await receipts()
        first = reservation()
        assert await one(port, first) is FRESH
        second = correction(first, 2)
        assert await one(port, second) is FRESH
        stale = await one(port, correction(first, 2))
        assert isinstance(stale, Barred)
        assert (stale.refusal.grounds, stale.refusal.current_revision) == (Grounds.CONFLICT, 2)
        assert await one(port, correction(first, 3)) is FRESH

    async def test_what_was_barred_is_not_reserved(self, receipts: MakeReceipts) -> None:
        port = await receipts()
        first = reservation()
        await port.reserve([first])
        await port.reserve([correction(first, 2)])
        stale = correction(first, 2)
        assert isinstance(await one(port, stale), Barred)
        assert await port.find(stale.id, None, "K1") == []

    async def test_of_parallel_corrections_one_wins(self, receipts: MakeReceipts) -> None:
        ports = [await receipts() for _ in range(4)]
        first = reservation()
        await one(ports[0], first)
        standings = await asyncio.gather(*(one(port, correction(first, 2)) for port in ports))
        assert standings.count(FRESH) == 1

    async def test_a_correction_that_comes_again_is_not_stale_to_itself(self, receipts: MakeReceipts) -> None:
        port = await receipts()
        first = reservation()
        second = correction(first, 2)
        await port.reserve([first])
        await port.reserve([second])
        port.release([second])
        assert await one(port, second) is FRESH

    async def test_a_correction_with_its_original_in_one_go(self, receipts: MakeReceipts) -> None:
        port = await receipts()
        first = reservation()
        standings = await port.reserve([correction(first, 2), first, correction(first, 3)])
        assert list(standings) == [FRESH, FRESH, FRESH]

    async def test_only_the_recorder_or_a_higher_role_corrects(self, receipts: MakeReceipts) -> None:
        port = await receipts()
        first = reservation()
        await one(port, first)
        for barred in (correction(first, 2, recorder="S2"), correction(first, 2, recorder="P1", rank=0)):
            standing = await one(port, barred)
            assert isinstance(standing, Barred)
            assert standing.refusal.grounds is Grounds.FORBIDDEN
        assert await one(port, correction(first, 2, recorder="B1", rank=2)) is FRESH
        # Whoever corrected last, the recorder stays the recorder.
        assert await one(port, correction(first, 3)) is FRESH

    async def test_a_withdrawal_may_come_before_its_original(self, receipts: MakeReceipts) -> None:
        port = await receipts()
        first = reservation(recorder="P1", rank=0, kind="hazard.opened")
        withdrawal = correction(first, 2, kind="fact.withdrawn", withdraws=True)
        assert await one(port, withdrawal) is FRESH
        # The original is still news, and says who recorded it.
        assert await one(port, first) is FRESH
        assert await one(port, correction(first, 3, recorder="P1", rank=0, kind="hazard.opened")) is FRESH
        stranger = await one(port, correction(first, 4, recorder="P2", rank=0, kind="hazard.opened"))
        assert isinstance(stranger, Barred)

    async def test_a_fact_is_a_root_in_one_compound(self, receipts: MakeReceipts) -> None:
        port = await receipts()
        first = reservation()
        await one(port, first)
        assert await one(port, correction(first, 2)) is FRESH
        # A correction keeps what it is about: whatever else has that root is another fact.
        elsewhere = correction(first, 3, subject="C00018")
        standing = await one(port, elsewhere)
        assert isinstance(standing, Barred)
        assert standing.refusal.code == "subject_changed"
        assert await port.find(elsewhere.id, None, "K1") == []
        assert await one(port, correction(first, 3)) is FRESH

    async def test_a_correction_elsewhere_before_its_original_is_followed_by_nothing(
        self, receipts: MakeReceipts
    ) -> None:
        port = await receipts()
        first = reservation()
        early = correction(first, 2, subject="C00018")
        assert await one(port, early) is FRESH
        assert await one(port, first) is FRESH
        assert isinstance(await one(port, correction(first, 3, subject="C00018")), Barred)
        assert await one(port, correction(first, 2)) is FRESH

    async def test_only_who_may_record_a_type_withdraws_it(self, receipts: MakeReceipts) -> None:
        port = await receipts()
        roster = reservation(recorder="P1", rank=0, kind="guards.updated", roles=frozenset({"company"}))
        await one(port, roster)
        changes = {"recorder": "P1", "rank": 0, "kind": "fact.withdrawn", "withdraws": True}
        guard = await one(port, correction(roster, 2, roles=frozenset({"guard"}), **changes))
        assert isinstance(guard, Barred)
        assert guard.refusal.code == "role_not_allowed"
        assert await one(port, correction(roster, 2, roles=frozenset({"company"}), **changes)) is FRESH
