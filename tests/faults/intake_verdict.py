"""All that the reader of its own has to say about a run of intake."""

from collections import Counter

from tests.faults.findings import Findings
from tests.faults.intake_book import Book
from tests.faults.intake_judging import judge_batches, judge_corrections, judge_promises, judge_records
from tests.faults.intake_judging_receipts import judge_receipts
from tests.faults.intake_reading import Reading


def judge(book: Book, reading: Reading) -> tuple[Findings, dict[str, int]]:
    """What is wrong, and counts of what is allowed."""
    findings = Findings()
    copies = judge_records(book, reading, findings)
    judge_promises(book, copies, findings)
    judge_batches(book, copies, findings)
    judge_corrections(book, copies, findings)
    untold = judge_receipts(book, reading, copies, findings)
    contents = Counter(content.identity for content in book.contents if copies.get(id(content)))
    return findings, {
        "repeats_on_the_topic": sum(len(lie) - 1 for lie in copies.values() if lie),
        "receipts_without_place": untold,
        "second_contents_after_lost_receipts": sum(count - 1 for count in contents.values()),
        "receipts_lost_or_incomplete": sum(
            1 for identity in contents if (row := reading.rows.get(identity)) is None or row.offset is None
        ),
    }
