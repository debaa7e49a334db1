"""The receipts that the tests of the door lean on keep the promises of the real ones."""

import pytest

from tests.unit.intake.fakes import MemoryReceipts, Shelf
from tests.unit.intake.receipts_suite import MakeReceipts, ReceiptsSuite


class TestMemoryReceipts(ReceiptsSuite):
    @pytest.fixture
    def receipts(self) -> MakeReceipts:
        shelf = Shelf()

        async def make(*, reserved_seconds: float = 60.0) -> MemoryReceipts:
            return MemoryReceipts(shelf, reserved_seconds=reserved_seconds)

        return make
