"""Whatever is posted, the contracts answer with a value or with `Malformed`, and with nothing else."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from shared.events.catalogue import CATALOGUE, lookup
from shared.events.envelope import decode_envelope
from shared.events.errors import Malformed
from shared.events.rules import validate, validate_envelope
from shared.events.samples import SAMPLES

MARK = "secretvalue"
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from([MARK, "9999-12-31", "0001-01-01", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00"])
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


def places(value: Any, at: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    found = [at] if at else []
    entries = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, inner in entries:
        found += places(inner, (*at, key))
    return found


@st.composite
def nearly_right(draw: st.DrawFn) -> dict[str, Any]:
    """A sample with one place replaced by anything, removed, or with something added beside it."""
    event: dict[str, Any] = json.loads(draw(st.sampled_from(sorted(SAMPLES.values()))))
    *parents, last = draw(st.sampled_from(places(event)))
    node: Any = event
    for step in parents:
        node = node[step]
    match draw(st.sampled_from(["replace", "remove", "add"])):
        case "replace":
            node[last] = draw(values)
        case "remove":
            del node[last]
        case _ if isinstance(node, dict):
            node[draw(st.text(max_size=80))] = draw(values)
        case _:
            node.append(draw(values))
    return event


@given(event=nearly_right())
def test_an_event_is_read_or_malformed(event: dict[str, Any]) -> None:
    try:
        envelope = decode_envelope(json.dumps(event).encode())
        event_type = lookup(envelope.type)
        data = event_type.decode(envelope.data)
        problems = validate(event_type, data) + validate_envelope(event_type, envelope, data)
    except Malformed as problem:
        problems = [problem]
    for problem in problems:
        assert problem.pointer == "" or problem.pointer.startswith("/")
        assert problem.code.replace("_", "").isalpha()
        # No value is repeated; a key that the sender made up may be, cut.
        assert MARK not in problem.detail


@given(raw=st.binary(max_size=60) | values.map(lambda value: json.dumps(value).encode()))
def test_bytes_are_read_or_malformed(raw: bytes) -> None:
    for read in (decode_envelope, *(event_type.decode for event_type in CATALOGUE.values())):
        with suppress(Malformed):
            read(raw)
