"""Numbers that are kept as bytes in a packed book: little-endian, whatever the machine has."""

import sys
from array import array

SIGNED, UNSIGNED = "i", "I"
"""32 bits each: days of any calendar, and amounts up to two million points."""

BIG_ENDIAN = sys.byteorder == "big"


def to_bytes(numbers: "array[int]") -> bytes:
    """The bytes of an array."""
    if BIG_ENDIAN:
        numbers = numbers[:]
        numbers.byteswap()
    return numbers.tobytes()


def from_bytes(plain: bytes, kind: str = SIGNED) -> "array[int]":
    """The array whose bytes these are."""
    numbers = array(kind, plain)
    if BIG_ENDIAN:
        numbers.byteswap()
    return numbers
