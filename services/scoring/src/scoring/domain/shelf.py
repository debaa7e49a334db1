"""What the families of facts share: the points of an item, and what a packed book is made of.

Each family has a shelf that holds what its rule needs. It is changed by `add` and `remove` with facts that
count (enrolled on their day, not withdrawn) and asked by day. `pack` leaves out what no question about
`day` or later can need; where a later fact touches something left out, the shelf raises `Forgotten`.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from scoring.domain.facts import NEVER, Day

Plain: TypeAlias = Any
"""Whole numbers, strings, bytes, None, and tuples and mappings of them: what a packed book is made of."""


Part: TypeAlias = Any
"""A part of a packed book as it is stored."""

Opener: TypeAlias = Callable[[Part], Plain]
"""Reads a part that is needed; who stores books gives it with them."""


def as_it_is(part: Part) -> Plain:
    """Opens a part that is plain already."""
    return part


ORIGIN: Day = 737_425
"""2020-01-01: packed days are counted from here, so that they stay short."""


UUID_CHARS = 36


class Forgotten(Exception):  # noqa: N818  # said as a fact, handled as one: the book is built anew
    """The answer needs facts that were left out when the book was packed."""


def pack_id(name: str) -> str | bytes:
    """An id as 16 bytes where it is a UUID in its usual form."""
    if len(name) == UUID_CHARS and name.isascii():
        try:
            short = bytes.fromhex(name.replace("-", ""))
        except ValueError:
            return name
        if unpack_id(short) == name:
            return short
    return name


def unpack_id(plain: str | bytes) -> str:
    """The id that `pack_id` packed."""
    if isinstance(plain, str):
        return plain
    text = plain.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


class Points(NamedTuple):
    """The points of one item on one day, and the first later day on which they may differ.

    `full_milli` is P on that day (C3 may move its points to others); `unverified` means without any evidence,
    `stale` without evidence for too long.
    """

    points_milli: int
    full_milli: int
    until: Day = NEVER
    unverified: bool = False
    stale: bool = False
