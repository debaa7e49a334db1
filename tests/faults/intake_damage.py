"""Damage done to a reading of a run of intake, or to its book: the reader of its own must see each of it."""

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

from tests.faults.intake_book import ABSENT, RETRY, STORED, Answer, Batch, Book, Content
from tests.faults.intake_excuses import reserved_in_vain
from tests.faults.intake_reading import Reading, Record

Damage = Callable[[Book, Reading], None]


def _calm(book: Book) -> list[Content]:
    """What was posted once and stored, alone under its id, while nothing was done that excuses anything."""
    ids = Counter(content.identity for content in book.contents)
    return [
        content
        for content in book.contents
        if len(content.answers) == 1
        and (answer := content.answers[0]).word == STORED
        and not reserved_in_vain(book, answer)
        and ids[content.identity] == 1
        and content.exact
    ]


def _place(book: Book, reading: Reading) -> int:
    """Where the record of something calm is among the records."""
    bodies = {content.body[:-1] for content in _calm(book)}
    return next(n for n, record in enumerate(reading.records) if record.sent in bodies)


def _append(reading: Reading, sent: bytes, **changes: Any) -> None:
    last = reading.records[0]._replace(sent=sent, key=json.loads(sent + b"}")["subject"], **changes)
    like = [record for record in reading.records if record.key == last.key]
    end = max(record.offset for record in reading.records) + 1
    reading.records.append(last._replace(partition=like[0].partition, topic=like[0].topic, offset=end))


def _record(change: Callable[[Record], Record | None]) -> Damage:
    """One record that is changed, or that is gone."""

    def damage(book: Book, reading: Reading) -> None:
        n = _place(book, reading)
        changed = change(reading.records[n])
        reading.records[n : n + 1] = [] if changed is None else [changed]

    return damage


def _row(**changes: Any) -> Damage:
    """One receipt in its table that is changed; without changes it is gone."""

    def damage(book: Book, reading: Reading) -> None:
        identity = _calm(book)[0].identity
        row = reading.rows.pop(identity)
        if changes:
            reading.rows[identity] = row._replace(**changes)

    return damage


def _answer(**changes: Any) -> Damage:
    """One answer that was another."""

    def damage(book: Book, reading: Reading) -> None:
        del reading
        content = _calm(book)[0]
        content.answers[0] = content.answers[0]._replace(**changes)

    return damage


def _receipt(**changes: Any) -> Damage:
    """One receipt that a client was given and that was another."""

    def damage(book: Book, reading: Reading) -> None:
        del reading
        content = _calm(book)[0]
        assert content.answers[0].receipt is not None
        receipt = content.answers[0].receipt._replace(**changes)
        content.answers[0] = content.answers[0]._replace(receipt=receipt)

    return damage


def _doubled(book: Book, reading: Reading) -> None:
    _append(reading, reading.records[_place(book, reading)].sent)


def _made_up(book: Book, reading: Reading) -> None:
    sent = reading.records[_place(book, reading)].sent
    _append(reading, sent.replace(b'"id": "', b'"id": "f'))


def _let_in(wanted: Callable[[Content], bool]) -> Damage:
    """What was refused lies there."""

    def damage(book: Book, reading: Reading) -> None:
        content = next(one for one in book.contents if one.exact and wanted(one) and not one.taken)
        _append(reading, content.body[:-1])

    return damage


def _pair(book: Book) -> tuple[Batch, int, int]:
    """Two neighbours of one compound in a batch that was stored at its first post."""
    calm = {id(content) for content in _calm(book)}
    for batch in book.batches:
        places: dict[str, int] = {}
        for n, content in enumerate(batch.contents):
            if id(content) in calm and content.key in places:
                return batch, places[content.key], n
            if id(content) in calm:
                places[content.key] = n
    raise AssertionError("no batch was stored at once")


def _reordered(book: Book, reading: Reading) -> None:
    batch, one, two = _pair(book)
    sent = [batch.contents[n].body[:-1] for n in (one, two)]
    for n, record in enumerate(reading.records):
        if record.sent in sent:
            reading.records[n] = record._replace(sent=sent[1 - sent.index(record.sent)])


def _stored_behind_retry(book: Book, reading: Reading) -> None:
    del reading
    batch, one, _ = _pair(book)
    batch.verdicts[0] = [(n, RETRY if n == one else word) for n, word in batch.verdicts[0]]


def _older_accepted_later(book: Book, reading: Reading) -> None:
    del reading
    roots: dict[str, list[Content]] = {}
    for content in book.contents:
        if content.taken and content.revision > 1:
            roots.setdefault(content.root, []).append(content)
    one, two, *_ = next(several for several in roots.values() if len(several) > 1)
    one.revision, two.revision = two.revision, one.revision


def _unknown_afterwards(book: Book, reading: Reading) -> None:
    del reading
    content = _calm(book)[0]
    end = content.answers[0].end
    content.answers.append(Answer(end + 1, end + 2, "a", ABSENT))


def _receipt_of_nothing(book: Book, reading: Reading) -> None:
    del book
    reading.rows["00000000-0000-4000-8000-000000000000", "urn:x"] = next(iter(reading.rows.values()))


def _told_otherwise(book: Book, reading: Reading) -> None:
    del book
    next(told for told in reading.told.values() if "offset" in told)["offset"] = 123_456


DAMAGE: dict[str, Damage] = {
    "record lost": _record(lambda _: None),
    "record doubled": _doubled,
    "record changed": _record(lambda record: record._replace(sent=record.sent.replace(b'"data"', b'"date"'))),
    "record moved": _record(lambda record: record._replace(partition=record.partition + 1)),
    "record under another key": _record(lambda record: record._replace(key="C99999")),
    "record without its stamps": _record(lambda record: record._replace(stamps={})),
    "record that nobody posted": _made_up,
    "record of what may never come in": _let_in(lambda one: one.never and not one.doubts),
    "record of another content": _let_in(lambda one: bool(one.told("conflict"))),
    "records of a batch exchanged": _reordered,
    "item stored behind a retry": _stored_behind_retry,
    "older revision accepted later": _older_accepted_later,
    "row lost": _row(),
    "row without its offset": _row(offset=None),
    "row with another offset": _row(offset=123_456),
    "row with another fingerprint": _row(fingerprint="00"),
    "row of nothing": _receipt_of_nothing,
    "receipt with another offset": _receipt(offset=123_456),
    "receipt with another fingerprint": _receipt(fingerprint="00"),
    "receipt of another moment": _receipt(received="2026-01-01T00:00:00.000000Z"),
    "told otherwise": _told_otherwise,
    "unknown afterwards": _unknown_afterwards,
    "stored and told that it is refused": _answer(word="rejected", code="out_of_scope", receipt=None),
}
