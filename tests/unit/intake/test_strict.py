"""Every reader must see the same document, or it is refused; its fingerprint is that of RFC 8785."""

import json
from hashlib import sha256
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st
from intake.translate.strict import Reader, scan
from shared.events.errors import Malformed
from shared.events.samples import SAMPLES

READER = Reader()


def read(text: str | bytes) -> tuple[Any, bytes]:
    return READER.read(text.encode() if isinstance(text, str) else text)


@pytest.mark.parametrize(
    ("text", "code", "pointer"),
    [
        ("", "invalid_json", ""),
        ("{", "invalid_json", ""),
        ('{"a":1}x', "invalid_json", ""),
        ('\ufeff{"a":1}', "invalid_json", ""),
        ("{'a':1}", "invalid_json", ""),
        ('{"a":NaN}', "invalid_json", ""),
        ('{"a":Infinity}', "invalid_json", ""),
        ('{"a":01}', "invalid_json", ""),
        ('{"a":"\\ud800"}', "invalid_json", ""),
        ('{"a":"\x01"}', "invalid_json", ""),
        (b'{"a":"\xff"}', "invalid_json", ""),
        (b'{"a":"\xed\xa0\x80"}', "invalid_json", ""),
        (b'{"a":"\xc0\xaf"}', "invalid_json", ""),
        ('{"a":1e999}', "number_range", ""),
        ('{"a": 12345678901234567890123}', "number_range", "/a"),
        ('{"a":9007199254740992, "b":1}', "number_range", "/a"),
        ('{"a":' + "9" * 5000 + "}", "number_range", ""),
        ('{"a":1,"a":1}', "duplicate_key", "/a"),
        ('{"a":1,"\\u0061":2}', "duplicate_key", "/a"),
        ('{"a": 1, "a" :2}', "duplicate_key", "/a"),
        ('{"d":[{"x":{"k":1,"k":2}}]}', "duplicate_key", "/d/0/x/k"),
        ('{"a/b":{"~":1,"~":2}}', "duplicate_key", "/a~1b/~0"),
        ('{"a":"\\u0000"}', "control_character", "/a"),
        ('{"a":["\\b"]}', "control_character", "/a/0"),
        ('{"a":"\x7f"}', "control_character", "/a"),
        ('{"a":"\x85"}', "control_character", "/a"),
        ('{"\\u001f":1}', "control_character", ""),
        ('{"a":"\u202e"}', "bidi_override", "/a"),
        ('{"a":"\\u2066"}', "bidi_override", "/a"),
        ('{"a" :"' + "x" * 4097 + '"}', "too_long", "/a"),
        ('{"a": {' + ",".join(f'"{n}":0' for n in range(257)) + "}}", "too_many_keys", "/a"),
        ('{"a" :' + "[" * 33 + "]" * 33 + "}", "too_deep", "/a" + "/0" * 31),
        ("[" * 2000 + "]" * 2000, "too_deep", ""),
        ('{"a":' * 100_000, "too_deep", ""),
    ],
)
def test_refused(text: str | bytes, code: str, pointer: str) -> None:
    with pytest.raises(Malformed) as caught:
        read(text)
    assert (caught.value.code, caught.value.pointer) == (code, pointer)


@pytest.mark.parametrize(
    "text",
    [
        '{"a":"tab\\tline\\nend\\r"}',
        '{"a":"东门围墙完好，“照明”正常 🙂"}',
        '{"a":"\\ud83d\\ude42 \\u4e1c"}',
        ' {\n "a" : [1, -0, 2.50, 1e2, true, null] }\n',
        '{"a":"' + "x" * 4096 + '"}',
        '{"a" :' + "[" * 31 + "]" * 31 + "}",
        '{"a":9007199254740991}',
    ],
)
def test_taken_with_the_fingerprint_of_rfc_8785(text: str) -> None:
    document, fingerprint = read(text)
    assert document == json.loads(text)
    assert fingerprint == sha256(rfc8785.dumps(json.loads(text))).digest()


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_samples_of_all_types_have_the_fingerprint_of_rfc_8785(name: str) -> None:
    document = json.loads(SAMPLES[name])
    document.pop("traceparent", None)
    for form in (SAMPLES[name], json.dumps(json.loads(SAMPLES[name])).encode()):
        _, fingerprint = read(form)
        assert fingerprint == sha256(rfc8785.dumps(document)).digest()


KEYS = st.text("abcdefgh_019", min_size=1, max_size=6)
TEXT = st.text(
    st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), max_size=20
) | st.sampled_from(['"', "\\", "\n", "/", "é", "🙂"])
NUMBERS = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False, width=32)
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)


@given(DOCUMENTS, st.booleans(), st.sampled_from([None, 1]))
def test_any_document_has_the_fingerprint_of_rfc_8785(document: Any, ascii_only: bool, indent: int) -> None:
    text = json.dumps(document, ensure_ascii=ascii_only, indent=indent, separators=(",", ":"))
    _, fingerprint = read(text)
    assert fingerprint == sha256(rfc8785.dumps(json.loads(text))).digest()


@given(st.dictionaries(KEYS, DOCUMENTS, min_size=1, max_size=4), st.data(), st.booleans())
def test_a_key_that_is_there_twice_is_never_missed(
    document: dict[str, Any], data: st.DataObject, spaced: bool
) -> None:
    key = data.draw(st.sampled_from(sorted(document)))
    separators = (", ", ": ") if spaced else (",", ":")
    text = json.dumps(document, separators=separators)
    again = json.dumps({key: data.draw(DOCUMENTS)}, separators=separators)
    with pytest.raises(Malformed) as caught:
        read(text[:-1] + "," + again[1:])
    assert caught.value.code == "duplicate_key"


def test_scanning_looks_at_keys_too() -> None:
    with pytest.raises(Malformed):
        scan('{"a\u202e":1}'.encode())
