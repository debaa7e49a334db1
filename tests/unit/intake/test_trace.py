"""A trace goes through the door: from the header of a request, or the event itself, to the record."""

import json
from typing import Any

import pytest
from intake.translate.trace import trace_of

from tests.unit.intake.events import incident, raw
from tests.unit.intake.site import Site

TRACE = b"4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = b"00f067aa0ba902b7"
VALID = b"00-" + TRACE + b"-" + PARENT + b"-01"
OWN = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
BATCH = b"application/cloudevents-batch+json"


@pytest.mark.parametrize(
    ("value", "carried"),
    [
        (VALID, VALID),
        (b" " + VALID + b" ", VALID),
        (b"00-" + TRACE + b"-" + PARENT + b"-00", b"00-" + TRACE + b"-" + PARENT + b"-00"),
        # A later version is carried on as far as it is known.
        (b"01-" + TRACE + b"-" + PARENT + b"-01", VALID),
        (b"cc-" + TRACE + b"-" + PARENT + b"-01-what-the-future-will-be", VALID),
        (b"ff-" + TRACE + b"-" + PARENT + b"-01", None),
        (VALID + b"-more", None),
        (b"cc-" + TRACE + b"-" + PARENT + b"-01.more", None),
        (b"00-" + b"0" * 32 + b"-" + PARENT + b"-01", None),
        (b"00-" + TRACE + b"-" + b"0" * 16 + b"-01", None),
        (b"00-" + TRACE.upper() + b"-" + PARENT + b"-01", None),
        (b"00-" + TRACE[:-1] + b"-" + PARENT + b"-01", None),
        (b'00","x":"', None),
        (b"", None),
        (b"\xff", None),
    ],
)
def test_what_is_carried_on(value: bytes, carried: bytes | None) -> None:
    assert trace_of([(b"x", b"y"), (b"traceparent", value)]) == carried


def test_two_of_them_are_none() -> None:
    assert trace_of([(b"traceparent", VALID), (b"traceparent", VALID)]) is None
    assert trace_of([]) is None


def stored(site: Site) -> list[Any]:
    return [json.loads(value) for _, value in site.log.records]


async def test_the_header_reaches_the_record() -> None:
    site = Site()
    events = [incident(), incident(traceparent=OWN)]
    assert (await site.post(raw(events), content_type=BATCH, more=[(b"traceparent", VALID)]))[0] == 202
    assert [event["traceparent"] for event in stored(site)] == [VALID.decode(), OWN]


async def test_an_invalid_header_is_as_none_at_all() -> None:
    site = Site()
    assert (await site.post(raw(incident()), more=[(b"traceparent", b"ff-x")]))[0] == 202
    assert "traceparent" not in stored(site)[0]


async def test_the_same_event_in_another_trace_is_the_same() -> None:
    site, body = Site(), raw(incident())
    assert (await site.post(body, more=[(b"traceparent", VALID)]))[0] == 202
    assert (await site.post(body))[0] == 200
    assert (await site.post(body, more=[(b"traceparent", OWN.encode())]))[0] == 200
    assert len(stored(site)) == 1


async def test_what_is_null_is_not_there() -> None:
    site = Site()
    whole = incident()
    with_null = {**whole, "traceparent": None, "colour": None}
    assert (await site.post(raw(with_null)))[0] == 202
    assert not {"traceparent", "colour"} & stored(site)[0].keys()
    assert (await site.post(raw(whole)))[0] == 200
    status, _, problem = await site.post(raw({**incident(), "data": None}))
    assert (status, problem["errors"][0]["pointer"]) == (422, "/data")
