"""Data read in two steps, as the door does for speed, is the data that every other reader reads in one."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shared.events.catalogue import CATALOGUE, EventType
from shared.events.errors import Malformed
from shared.events.samples import SAMPLES

ODD: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    7,
    1.0,
    0.5,
    2**63,
    2**70,
    "",
    "7",
    "2026-01-01",
    [],
    {},
    [1],
    {"a": 1},
)


def outcome(read: Any, value: Any) -> Any:
    """What was read, or where it went wrong."""
    try:
        return read(value)
    except Malformed as error:
        return error.code, error.pointer


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    entries = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for step, entry in entries:
        found += places(entry, (*path, step))
    return found


def replaced(value: Any, path: tuple[Any, ...], by: Any) -> Any:
    if not path:
        return by
    step, *rest = path
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[step] = replaced(copy[step], tuple(rest), by)
    return copy


def agree(known: EventType, value: Any) -> None:
    text = msgspec.json.encode(value)
    assert outcome(known.decode, text) == outcome(known.convert, msgspec.json.decode(text))


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_every_sample_with_anything_anywhere(name: str) -> None:
    known, data = CATALOGUE[name], json.loads(SAMPLES[name])["data"]
    agree(known, data)
    for path in places(data):
        for odd in ODD:
            agree(known, replaced(data, path, odd))


@given(st.sampled_from(sorted(SAMPLES)), st.data())
def test_every_sample_without_anything(name: str, draw: st.DataObject) -> None:
    known, data = CATALOGUE[name], json.loads(SAMPLES[name])["data"]
    kept = draw.draw(st.sets(st.sampled_from(sorted(data)))) if data else set()
    agree(known, {key: value for key, value in data.items() if key in kept})
