"""What the design allows while something is done to replicas and servers, narrowly: else it is a finding.

Receipts are committed asynchronously: what a server that is stopped at once had not written yet is gone, and
with it the knowledge that an id was used (design: losing a receipt costs a repeat, never an event).
"""

from collections.abc import Sequence

from tests.faults.intake_book import DOUBT, TAKEN, Answer, Book, Content
from tests.faults.intake_strikes import CLOCK, FREEZE, FREEZE_LONG, POSTGRES, POSTGRES_CUT

# The writer of the log wakes every 200 ms and is at most three rounds behind.
UNWRITTEN_SECONDS = 1.5
# A statement waits that long for a lock that a frozen replica holds, and is given up.
GIVEN_UP_SECONDS = 4.5


def after_lost_receipts(book: Book, contents: Sequence[Content]) -> bool:
    """Whether the receipt of one of these may have been lost: written just before the server was stopped."""
    return any(receipt_lost(book, answer) for content in contents for answer in content.told(*TAKEN, *DOUBT))


def receipt_lost(book: Book, answer: Answer) -> bool:
    """Whether a receipt that was written with this answer may be gone."""
    return any(
        fault.kind == POSTGRES and answer.begin <= fault.begin <= answer.end + UNWRITTEN_SECONDS
        for fault in book.faults
    )


def reserved_in_vain(book: Book, answer: Answer) -> bool:
    """Whether the receipt of something stored may have stayed without its offset, or have been lost.

    Completing it failed: its connection was cut, its replica stood still, the server was away, or somebody
    frozen held the lock of a row that went along.
    """
    return (
        receipt_lost(book, answer)
        or book.during((FREEZE, FREEZE_LONG), answer.begin, answer.end, slack=GIVEN_UP_SECONDS)
        or book.during((POSTGRES,), answer.begin, answer.end, slack=UNWRITTEN_SECONDS)
        or book.during((POSTGRES_CUT,), answer.begin, answer.end, slot=answer.slot, slack=1.0)
    )


def wrong_clock(book: Book, answer: Answer) -> bool:
    """Whether the clock of that replica was wrong at that time."""
    return book.during((CLOCK,), answer.begin, answer.end, slot=answer.slot, slack=0.5)
