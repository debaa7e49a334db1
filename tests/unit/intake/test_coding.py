"""Coded bodies: what is taken off, what is refused, and how much memory a bomb gets."""

import gzip
import random
import sys
import tracemalloc
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from intake.api import coding
from intake.api.body import WIRE_BYTES_MAX
from intake.api.coding import DECODED_BYTES_MAX, RATIO_MAX, coding_of, decoded
from shared.runtime.problems import Problem

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

CODERS = {b"gzip": gzip.compress, b"x-gzip": gzip.compress, b"zstd": zstd.compress}
EACH = pytest.mark.parametrize("name", [b"gzip", b"zstd"])
MIB = 2**20


def headers(*codings: bytes) -> list[tuple[bytes, bytes]]:
    return [(b"host", b"x"), *((b"content-encoding", value) for value in codings)]


def decode(name: bytes, body: bytes) -> bytes:
    decoder = coding_of(headers(name))
    assert decoder is not None
    return decoded(body, decoder)


def refusal(call: Any, *arguments: Any) -> Problem:
    with pytest.raises(Problem) as caught:
        call(*arguments)
    return caught.value


def noise(size: int) -> bytes:
    return random.Random(size).randbytes(size)


@pytest.mark.parametrize("codings", [(), (b"",), (b"identity",), (b" Identity ",), (b",",)])
def test_most_bodies_have_none(codings: tuple[bytes, ...]) -> None:
    assert coding_of(headers(*codings)) is None


@pytest.mark.parametrize(
    "codings",
    [
        (b"br",),
        (b"deflate",),
        (b"compress",),
        (b"gzip, gzip",),
        (b"gzip,zstd",),
        (b"identity, gzip",),
        # Two lines are two layers too.
        (b"gzip", b"gzip"),
        (b"", b"zstd", b"gzip"),
        (b"gzip;q=1",),
        (b"\xff",),
    ],
)
def test_others_and_second_layers_are_refused_with_what_is_taken(codings: tuple[bytes, ...]) -> None:
    problem = refusal(coding_of, headers(*codings))
    assert (problem.status, problem.code) == (415, "unsupported_coding")
    assert dict(problem.headers)["Accept-Encoding"] == "gzip, zstd"


@given(name=st.sampled_from(sorted(CODERS)), body=st.binary(max_size=5000), loud=st.booleans())
def test_what_was_put_on_comes_off(name: bytes, body: bytes, loud: bool) -> None:
    assert decode(name.upper() if loud else name, CODERS[name](body)) == body


@EACH
def test_what_might_have_come_plain_may_be_coded_tightly(name: bytes) -> None:
    body = b" " * WIRE_BYTES_MAX
    coded = CODERS[name](body)
    assert len(body) > 200 * len(coded)
    assert decode(name, coded) == body


@EACH
def test_beyond_that_twenty_times_is_too_tight(name: bytes) -> None:
    assert refusal(decode, name, CODERS[name](b" " * (WIRE_BYTES_MAX + 1))).code == "coding_too_tight"
    loose = noise(100_000) + b" " * (RATIO_MAX * 100_000 - 100_000)
    assert decode(name, CODERS[name](loose)) == loose
    problem = refusal(decode, name, CODERS[name](loose + b" " * 200_000))
    assert (problem.status, problem.code) == (413, "coding_too_tight")


@EACH
def test_no_more_than_four_mebibytes_come_out(name: bytes) -> None:
    most = noise(MIB // 2) + b" " * (DECODED_BYTES_MAX - MIB // 2)
    assert len(decode(name, CODERS[name](most))) == DECODED_BYTES_MAX
    problem = refusal(decode, name, CODERS[name](most + b" "))
    assert (problem.status, problem.code, problem.document.retryable) == (413, "decoded_too_large", False)


@pytest.fixture(scope="module")
def bombs() -> dict[bytes, bytes]:
    """A gibibyte in a mebibyte or less, as far as a request may bring one."""
    packer = zlib.compressobj(9, wbits=31)
    mebibyte = bytes(MIB)
    gzipped = b"".join(packer.compress(mebibyte) for _ in range(1000)) + packer.flush()
    layers = zstd.ZstdCompressor()
    zstded = b"".join(layers.compress(mebibyte) for _ in range(1000)) + layers.flush()
    assert max(len(gzipped), len(zstded)) <= WIRE_BYTES_MAX
    return {b"gzip": gzipped, b"zstd": zstded}


@EACH
def test_a_bomb_is_put_out_at_the_bound(name: bytes, bombs: dict[bytes, bytes]) -> None:
    tracemalloc.start()
    problem = refusal(decode, name, bombs[name])
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert problem.status == 413
    # What came out, what is left of the input, and the copies while buffers grow.
    assert most < 4 * DECODED_BYTES_MAX


def test_a_frame_that_asks_for_much_memory_is_not_decoded() -> None:
    options = {zstd.CompressionParameter.window_log: 27, zstd.CompressionParameter.content_size_flag: 0}
    packer = zstd.ZstdCompressor(options=options)
    body = packer.compress(b"{}") + packer.flush()
    assert refusal(decode, b"zstd", body).code == "invalid_coding"


@EACH
@given(cut=st.integers(1, 60))
def test_a_body_without_its_end_is_no_body(name: bytes, cut: int) -> None:
    coded = CODERS[name](noise(300))
    problem = refusal(decode, name, coded[:-cut])
    assert (problem.status, problem.code) == (400, "invalid_coding")


@EACH
@pytest.mark.parametrize("behind", [b"\0", b"garbage", b"again"])
def test_nothing_stands_behind_a_body(name: bytes, behind: bytes) -> None:
    """Not a second member or frame either, though formats know them: not every reader looks for one."""
    behind = CODERS[name](b"{}") if behind == b"again" else behind
    assert refusal(decode, name, CODERS[name](b"{}") + behind).status == 400


@EACH
@pytest.mark.parametrize("body", [b"", b"{}", b"\x1f\x8b", b"(\xb5/\xfd"])
def test_what_is_not_coded_is_told(name: bytes, body: bytes) -> None:
    """The last two: how gzip members and zstd frames begin."""
    assert refusal(decode, name, body).status == 400


def test_deflate_under_the_name_of_gzip_is_not_taken() -> None:
    assert refusal(decode, b"gzip", zlib.compress(b"{}")).status == 400


@EACH
@given(at=st.integers(0, 200), flip=st.integers(1, 255))
def test_a_damaged_body_is_refused_or_harmless(name: bytes, at: int, flip: int) -> None:
    coded = bytearray(CODERS[name](noise(200)))
    coded[at % len(coded)] ^= flip
    try:
        assert len(decode(name, bytes(coded))) <= DECODED_BYTES_MAX
    except Problem as problem:
        assert problem.status in {400, 413}  # noqa: PT017 - both ends are right


def test_only_one_layer_comes_off() -> None:
    inner = gzip.compress(b"{}")
    assert decode(b"gzip", gzip.compress(inner)) == inner


def test_the_bounds_are_those_of_the_contract() -> None:
    assert (WIRE_BYTES_MAX, DECODED_BYTES_MAX, RATIO_MAX) == (MIB, 4 * MIB, 20)
    assert coding.ACCEPTED == "gzip, zstd"
