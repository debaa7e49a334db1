"""The receipts that the tests of the door lean on keep the promises of the real ones."""

import pytest
from hypothesis import given

from tests.unit.intake.fakes import MemoryReceipts, Shelf
from tests.unit.intake.naive_heads import STEPS, Step, play
from tests.unit.intake.receipts_suite import MakeReceipts, ReceiptsSuite


class TestMemoryReceipts(ReceiptsSuite):
    @pytest.fixture
    def receipts(self) -> MakeReceipts:
        shelf = Shelf()

        async def make(*, reserved_seconds: float = 60.0) -> MemoryReceipts:
            return MemoryReceipts(shelf, reserved_seconds=reserved_seconds)

        return make


@given(STEPS)
async def test_any_run_of_corrections_is_judged_as_by_everything_that_came_before(steps: list[Step]) -> None:
    shelf = Shelf()

    async def another_replica() -> MemoryReceipts:
        return MemoryReceipts(shelf)

    await play(steps, another_replica)
