"""Books as bytes: parts that nobody opens are copied as they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from scoring.domain.book import Book
from scoring.domain.facts import Day
from scoring.domain.size import Terms
from scoring.ports import Shown, StoredState
from scoring.store.states import read_shown, shown_parts

FORMAT: Final = 4
"""Of the packed bytes. A state in another one keeps its head and is made anew from the ledger."""


class _Packed(msgspec.Struct, array_like=True, frozen=True):
    """A packed book: `head` is what `Book.pack` says beside the parts."""

    format: int
    head: tuple[Any, ...]
    parts: dict[str, msgspec.Raw]
    remembered: Any


_decoder = msgspec.msgpack.Decoder(_Packed)
_plain = msgspec.msgpack.Decoder()
_encoder = msgspec.msgpack.Encoder()


class StoredBooks:
    """See `scoring.ports.Books`."""

    def write(self, book: Book, version: int, day: Day, shown: Shown) -> StoredState:
        *head, parts = book.pack()
        return StoredState(
            book.compound,
            version,
            day,
            _encoder.encode((FORMAT, head, parts, book.remember())),
            shown.score_milli,
            shown.star,
            shown.dynamic_star,
            shown.rated,
            shown.enrolled,
            shown_parts(shown),
        )

    def read(self, stored: StoredState, terms: Terms) -> Book:
        try:
            packed = _decoder.decode(stored.packed)
        except msgspec.ValidationError:
            # The first format was one flat array, the shelves last.
            return _without_facts(stored, _plain.decode(stored.packed)[:-1], terms)
        if packed.format != FORMAT:
            return _without_facts(stored, packed.head, terms)
        plain = (*packed.head, packed.parts)
        return Book.reopen(stored.compound, plain, terms, packed.remembered, _plain.decode)

    def shown(self, stored: StoredState) -> Shown:
        return read_shown(*stored[4:])


def _without_facts(stored: StoredState, head: Sequence[Any], terms: Terms) -> Book:
    """An incomplete book that stands where this one stood."""
    book = Book.reopen(stored.compound, (*head, {}), terms)
    book.incomplete = True
    return book
