"""What is JSON and what is not: the public parsing suite against the strict reader and through the route."""

import tarfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest
from intake.translate.strict import DEPTH_MAX, KEYS_MAX, SAFE_INTEGER, STRING_CHARS_MAX, Reader
from shared.events.errors import Malformed

from tests.unit.intake.events import incident, raw
from tests.unit.intake.site import Site

SUITE = Path(__file__).parent / "vendor" / "json_parsing_suite" / "test_parsing.tar.gz"
BATCH = b"application/cloudevents-batch+json"
BLANKS = b" \t\r\n"

# Documents of the suite that are JSON and that we refuse all the same, because readers may differ on them.
STRICTER: Mapping[str, str] = {
    "y_object_duplicated_key.json": "duplicate_key",
    "y_object_duplicated_key_and_value.json": "duplicate_key",
    "y_object_escaped_null_in_key.json": "control_character",
    "y_string_allowed_escapes.json": "control_character",
    "y_string_escaped_control_character.json": "control_character",
    "y_string_null_escape.json": "control_character",
    "y_string_unescaped_char_delete.json": "control_character",
    "y_string_with_del_character.json": "control_character",
}
# What readers may decide for themselves, and how we decide: everything else of its kind is no JSON.
NUMBERS_BEYOND = {
    "i_number_huge_exp.json",
    "i_number_neg_int_huge_exp.json",
    "i_number_pos_double_huge_exp.json",
    "i_number_real_neg_overflow.json",
    "i_number_real_pos_overflow.json",
    "i_number_too_big_neg_int.json",
    "i_number_too_big_pos_int.json",
    "i_number_very_big_negative_int.json",
}
NUMBERS_ROUNDED = {"i_number_double_huge_neg_exp.json", "i_number_real_underflow.json"}
# Larger than any event, so that nobody reads them.
LARGE = {"n_structure_100000_opening_arrays.json", "n_structure_open_array_object.json"}


@cache
def documents() -> Mapping[str, bytes]:
    with tarfile.open(SUITE) as archive:
        return {
            member.name: extracted.read()
            for member in archive
            if (extracted := archive.extractfile(member)) is not None
        }


def of_kind(kind: str) -> list[str]:
    return sorted(name for name in documents() if name.startswith(kind))


def verdict(document: bytes) -> str:
    """The code of the strict reader, empty for what it takes."""
    try:
        Reader().read(document.strip(BLANKS))
    except Malformed as error:
        return error.code
    return ""


def as_data(document: bytes) -> bytes:
    """An event that has the document where its data stands."""
    head = raw(incident(data={}))
    assert head.endswith(b'"data":{}}')
    return b"%b%b}" % (head[: -len(b"{}}")], document)


def code_of(problem: dict[str, str]) -> str:
    return problem["type"].removeprefix("urn:anxing:problem:")


def test_the_suite_is_whole() -> None:
    assert [len(of_kind(kind)) for kind in ("y_", "n_", "i_")] == [95, 188, 35]


def test_what_is_no_json_is_read_by_nobody() -> None:
    codes = {name: verdict(documents()[name]) for name in of_kind("n_")}
    assert {name: code for name, code in codes.items() if code != "invalid_json"} == dict.fromkeys(
        LARGE, "too_deep"
    )


def test_what_is_json_is_read_unless_readers_may_differ() -> None:
    codes = {name: verdict(documents()[name]) for name in of_kind("y_")}
    assert {name: code for name, code in codes.items() if code} == STRICTER


@pytest.mark.parametrize("form", ["whole", "data"])
async def test_what_is_no_json_is_refused_at_the_door(form: str) -> None:
    site = Site()
    for name in of_kind("n_"):
        document = documents()[name]
        status, _, problem = await site.post(document if form == "whole" else as_data(document))
        expected = (413, "event_too_large") if name in LARGE else (400, "invalid_json")
        assert (status, code_of(problem)) == expected, name
    assert site.log.records == []


async def test_no_batch_comes_in_through_what_is_no_json() -> None:
    site = Site()
    for name in of_kind("n_"):
        status, _, problem = await site.post(documents()[name], content_type=BATCH)
        # Where only an item is broken, the item says so.
        told = problem["items"][0]["problem"] if "items" in problem else problem
        codes = {"too_deep"} if name in LARGE else {"invalid_json", "not_a_batch"}
        assert (status, code_of(told) in codes) == (400, True), name
    assert site.log.records == []


@pytest.mark.parametrize("form", ["whole", "data", "item"])
async def test_what_is_json_is_refused_for_what_it_is(form: str) -> None:
    """No document of the suite is an event, and none of them is told that it is no JSON."""
    site = Site()
    for name in of_kind("y_"):
        document = documents()[name]
        body = {"whole": document, "data": as_data(document), "item": b"[%b]" % document}[form]
        content_type = BATCH if form == "item" else b"application/cloudevents+json"
        status, _, answer = await site.post(body, content_type=content_type)
        problem = answer["items"][0]["problem"] if form == "item" else answer
        code = code_of(problem)
        if name in STRICTER:
            assert (status, code) == (400, STRICTER[name]), name
        elif form == "data":
            assert (status, code) == (422, "invalid_event"), name
        else:
            assert status == 400, name
            assert code in {"not_cloudevents", "attribute_name", "attribute_type"}, name


@pytest.mark.parametrize("form", ["whole", "data"])
async def test_what_readers_may_decide_is_decided(form: str) -> None:
    site = Site()
    for name in of_kind("i_"):
        document = documents()[name]
        status, _, problem = await site.post(document if form == "whole" else as_data(document))
        code = code_of(problem)
        if form == "data" and name in NUMBERS_BEYOND:
            assert (status, code) == (400, "number_range"), name
        elif form == "data" and name in NUMBERS_ROUNDED:
            assert (status, code) == (422, "invalid_event"), name
        elif form == "data" and name == "i_structure_500_nested_arrays.json":
            assert (status, code) == (400, "too_deep"), name
        elif name.startswith(("i_number", "i_structure_500")):
            assert (status, code) in {(400, "not_cloudevents"), (400, "number_range")}, name
        else:
            assert (status, code) == (400, "invalid_json"), name


def nested(depth: int) -> bytes:
    """A list in a list, `depth` of them."""
    return b"[" * depth + b"]" * depth


def keys(count: int) -> bytes:
    return b"{%b}" % b",".join(b'"k%d":0' % number for number in range(count))


# The event and its data are two levels already.
DATA_DEPTH_MAX = DEPTH_MAX - 1


@pytest.mark.parametrize(
    ("within", "beyond", "code"),
    [
        (nested(DATA_DEPTH_MAX), nested(DATA_DEPTH_MAX + 1), "too_deep"),
        (keys(KEYS_MAX), keys(KEYS_MAX + 1), "too_many_keys"),
        (b'"%b"' % (b"x" * STRING_CHARS_MAX), b'"%b"' % (b"x" * (STRING_CHARS_MAX + 1)), "too_long"),
        (
            '"{}"'.format("东" * STRING_CHARS_MAX).encode(),
            '"{}"'.format("东" * (STRING_CHARS_MAX + 1)).encode(),
            "too_long",
        ),
        (b"%d" % SAFE_INTEGER, b"%d" % (SAFE_INTEGER + 1), "number_range"),
        (b"-%d" % SAFE_INTEGER, b"-%d" % (SAFE_INTEGER + 1), "number_range"),
        (b"1.7976931348623157e308", b"1.7976931348623159e308", "number_range"),
        (b'{"a":1,"b":1}', b'{"a":1,"\\u0061":1}', "duplicate_key"),
        (b'"\\t\\n\\r"', b'"\\u000b"', "control_character"),
        (b'"\xc2\xa0"', b'"\xc2\x9f"', "control_character"),
        (b'"\\u200f"', b'"\\u202e"', "bidi_override"),
        (b'"\xe2\x81\xa5"', b'"\xe2\x81\xa6"', "bidi_override"),
        (b'"\\ud83d\\ude42"', b'"\\ude42\\ud83d"', "invalid_json"),
        (b"1e-999", b"NaN", "invalid_json"),
        (b"{}", b"\xef\xbb\xbf{}", "invalid_json"),
    ],
)
async def test_bounds_are_where_they_are_said_to_be(within: bytes, beyond: bytes, code: str) -> None:
    """Where the format ends, with a place in the contract or without one, compact or with blanks."""
    site = Site()
    for blank in (b"", b" "):
        status, _, problem = await site.post(as_data(blank + within))
        assert (status, code_of(problem)) == (422, "invalid_event")
        status, _, problem = await site.post(as_data(blank + beyond))
        assert (status, code_of(problem)) == (400, code)
