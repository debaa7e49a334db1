"""Numbers that are kept as bytes in a packed book: little-endian, and of 16 bits as long as they fit."""

import sys
from array import array

SHORT, LONG = "h", "q"
"""16 bits: days around this century, amounts of one day up to 32 points. 64 bits: all there are."""
SIGNED, UNSIGNED = "i", "I"
"""32 bits."""

BIG_ENDIAN = sys.byteorder == "big"


def to_bytes(numbers: "array[int]") -> bytes:
    """The bytes of an array."""
    if BIG_ENDIAN:
        numbers = numbers[:]
        numbers.byteswap()
    return numbers.tobytes()


def from_bytes(plain: bytes, kind: str) -> "array[int]":
    """The array of that kind whose bytes these are."""
    numbers = array(kind, plain)
    if BIG_ENDIAN:
        numbers.byteswap()
    return numbers
