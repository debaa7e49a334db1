"""Taking the coding off a body, within bounds: gzip or zstd, one layer, and no more memory than a bound says.

A body is one gzip member or one zstd frame and nothing behind it: readers disagree on what a second one says.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Iterable
from typing import Final

from shared.runtime.problems import FieldError, Problem

from intake.api.body import WIRE_BYTES_MAX

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

DECODED_BYTES_MAX: Final = 4 * 1024 * 1024
RATIO_MAX: Final = 20
ACCEPTED: Final = "gzip, zstd"
_GZIP_WINDOW_BITS: Final = 16 + zlib.MAX_WBITS
# The window that RFC 9659 allows to a sender: 8 MiB. A frame that asks for more memory is not decoded.
_ZSTD_OPTIONS: Final[dict[int, int]] = {zstd.DecompressionParameter.window_log_max: 23}

# From the bytes of a body and the most that may come out, to what comes out: at most one byte more.
Decoder = Callable[[bytes, int], bytes]


def coding_of(headers: Iterable[tuple[bytes, bytes]]) -> Decoder | None:
    """What takes the coding off a body with those headers, None when it has none; Problem 415."""
    written = b",".join(value for name, value in headers if name == b"content-encoding")
    layers = [layer for layer in (part.strip().lower() for part in written.split(b",")) if layer]
    if not layers or layers == [b"identity"]:
        return None
    decoder = _DECODERS.get(layers[0])
    if decoder is None or len(layers) > 1:
        raise Problem(
            415,
            "unsupported_coding",
            "A body is sent as it is, or with one Content-Encoding: gzip or zstd.",
            errors=[FieldError("Content-Encoding", "unsupported_coding")],
            headers=[("Accept-Encoding", ACCEPTED)],
        )
    return decoder


def decoded(body: bytes, decoder: Decoder) -> bytes:
    """The body without its coding; Problem 413 when it is too large, 400 when it is not what it says.

    What might have come without a coding may be coded as tightly as the sender can; beyond that, more than
    20 times as large as it came is taken for what it mostly is, an attack. Decoding stops at the bound.
    """
    largest = min(DECODED_BYTES_MAX, max(WIRE_BYTES_MAX, RATIO_MAX * len(body)))
    text = decoder(body, largest + 1)
    if len(text) <= largest:
        return text
    if largest == DECODED_BYTES_MAX:
        detail = f"A body has at most {DECODED_BYTES_MAX} bytes once it is decoded: send less at once."
        raise Problem(413, "decoded_too_large", detail)
    detail = f"Beyond {WIRE_BYTES_MAX} bytes a body is at most {RATIO_MAX} times as large as it came."
    raise Problem(413, "coding_too_tight", detail)


def _gunzip(body: bytes, length_max: int) -> bytes:
    decompressor = zlib.decompressobj(_GZIP_WINDOW_BITS)
    try:
        text = decompressor.decompress(body, length_max)
    except zlib.error:
        raise _broken() from None
    return _whole(text, length_max, eof=decompressor.eof, rest=decompressor.unused_data)


def _unzstd(body: bytes, length_max: int) -> bytes:
    decompressor = zstd.ZstdDecompressor(options=_ZSTD_OPTIONS)
    try:
        text = decompressor.decompress(body, length_max)
    except zstd.ZstdError:
        raise _broken() from None
    return _whole(text, length_max, eof=decompressor.eof, rest=decompressor.unused_data)


def _whole(text: bytes, length_max: int, *, eof: bool, rest: bytes) -> bytes:
    """What came out, unless its end is missing or something stands behind it."""
    if len(text) < length_max and (not eof or rest):
        raise _broken()
    return text


def _broken() -> Problem:
    return Problem(
        400,
        "invalid_coding",
        "The body is not one whole gzip member or zstd frame with nothing behind it.",
        errors=[FieldError("", "invalid_coding")],
    )


_DECODERS: Final[dict[bytes, Decoder]] = {b"gzip": _gunzip, b"x-gzip": _gunzip, b"zstd": _unzstd}
