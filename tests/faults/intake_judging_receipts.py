"""Receipts, by answer, by table and by question, against what lies on the topics."""

from itertools import pairwise
from typing import Any

from tests.faults.findings import Findings
from tests.faults.intake_book import ABSENT, STORED, TAKEN, Book, Content, Receipt
from tests.faults.intake_excuses import receipt_lost, reserved_in_vain
from tests.faults.intake_judging import Copies
from tests.faults.intake_reading import Identity, Reading, Record

NOT_TOLD = -1
"""The offset of a record that the broker has from an earlier try and whose place it does not tell."""


def judge_receipts(book: Book, reading: Reading, copies: Copies, findings: Findings) -> int:
    """Everything that receipts say is so; answers how many do not know their offset, which happens."""
    untold = 0
    taken: dict[Identity, list[Content]] = {}
    for content in book.contents:
        lie = copies.get(id(content), [])
        if content.taken or lie:
            taken.setdefault(content.identity, []).append(content)
        for answer in content.told(*TAKEN):
            if answer.receipt is None:
                findings.differences.append(f"{content.identity} was taken in without a receipt: {answer}")
            elif answer.receipt.offset == NOT_TOLD:
                untold += 1
            else:
                _judge_receipt(content, answer.receipt, lie, findings)
        _judge_absence(book, content, findings)
    findings.differences += [
        f"a receipt of {identity}, which nobody posted"
        for identity in reading.rows.keys() - {content.identity for content in book.contents}
    ]
    for identity, contents in taken.items():
        _judge_row(book, reading, identity, contents, copies, findings)
    for identity, answered in reading.told.items():
        _judge_told(reading, identity, answered, findings)
    return untold


def _judge_receipt(content: Content, receipt: Receipt, lie: list[Record], findings: Findings) -> None:
    name = f"receipt of {content.identity}"
    findings.equal(f"{name}: fingerprint", content.fingerprint, receipt.fingerprint)
    place = receipt.topic, receipt.partition, receipt.offset
    if place not in {record.place for record in lie}:
        findings.differences.append(f"{name}: not at {place} but at {[record.place for record in lie]}")
    if receipt.received not in {record.stamps.get("receivedtime") for record in lie}:
        findings.differences.append(f"{name}: received at {receipt.received}, which no copy says")


def _judge_absence(book: Book, content: Content, findings: Findings) -> None:
    """Nobody is told that an event is unknown after it was taken in, unless its receipt was lost."""
    told = [answer for answer in content.answers if answer.word in TAKEN or answer.word == ABSENT]
    for before, answer in pairwise(told):
        known_before = before.word in TAKEN and before.end < answer.begin
        if answer.word == ABSENT and known_before and not receipt_lost(book, before):
            findings.lost.append(f"{content.identity} was taken in and unknown afterwards: {content.answers}")


def _judge_row(
    book: Book,
    reading: Reading,
    identity: Identity,
    contents: list[Content],
    copies: Copies,
    findings: Findings,
) -> None:
    name = f"row of {identity}"
    promised = [answer for content in contents for answer in content.told(*TAKEN)]
    row = reading.rows.get(identity)
    if row is None:
        if not any(receipt_lost(book, answer) for answer in promised) and promised:
            findings.lost.append(f"{name} is not there: {promised}")
        return
    lie = [record for content in contents for record in copies.get(id(content), ())]
    if row.offset is None:
        stored = [answer for answer in promised if answer.word == STORED]
        if promised and not any(reserved_in_vain(book, answer) for answer in stored):
            findings.lost.append(f"{name} does not say where it lies: {promised}")
    elif row.offset != NOT_TOLD:
        places = {record.place for record in lie}
        if (row.topic, row.partition, row.offset) not in places:
            findings.differences.append(f"{name}: not at {row} but at {sorted(places)}")
    prints = {content.fingerprint for content in contents}
    if row.fingerprint not in prints:
        findings.differences.append(f"{name}: fingerprint {row.fingerprint}, not one of {sorted(prints)}")


def _judge_told(reading: Reading, identity: Identity, answered: dict[str, Any], findings: Findings) -> None:
    """What the door says of a receipt is what its table says."""
    row = reading.rows.get(identity)
    wanted: dict[str, Any] = {"status": "stored" if row and row.offset is not None else "pending"}
    if row is None:
        wanted = {"status": "absent"}
    elif row.offset is not None:
        wanted |= {name: getattr(row, name) for name in ("topic", "partition", "offset", "fingerprint")}
    findings.equal(f"told of {identity}", wanted, {name: answered.get(name) for name in wanted})
