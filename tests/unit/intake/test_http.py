"""The edges of one request: modes, bodies, the gate, and answers."""

import asyncio
import json
from typing import Any

import msgspec
import pytest
from intake.api import modes
from intake.api.answers import RETRY_AFTER_SECONDS_MAX, many, one
from intake.api.body import WIRE_BYTES_MAX, SenderGone, announced_size, read_body
from intake.api.gate import Gate
from intake.api.openapi import events_path
from intake.domain.repeats import conflict
from intake.domain.verdicts import RETRY, Fault, Grounds, Receipt, Refusal, Status, Verdict, refused
from intake.metrics import IntakeMetrics
from intake.settings import DoorSettings
from intake.translate.offers import Offers
from shared.runtime.metrics import Metrics
from shared.runtime.problems import Problem

from tests.unit.intake.events import NOW, incident, raw, read

BOUNDS = DoorSettings()
STORED = Verdict(Status.STORED, Receipt("e1", "anxing.facts.v1", 3, 41, NOW, b"f" * 32))
INVALID = refused(
    Refusal(Grounds.INVALID, "unknown_code", "No such code.", (Fault("/data/code", "unknown_code"),))
)


def problem(call: Any, *arguments: Any) -> Problem:
    with pytest.raises(Problem) as caught:
        call(*arguments)
    return caught.value


@pytest.mark.parametrize(
    ("content_type", "mode"),
    [
        (b"application/cloudevents+json", modes.STRUCTURED),
        (b"Application/CloudEvents+JSON ; charset=UTF-8", modes.STRUCTURED),
        (b'application/cloudevents-batch+json; charset="utf-8"', modes.BATCH),
        (b"application/json", modes.BINARY),
    ],
)
def test_media_types_that_are_taken(content_type: bytes, mode: bytes) -> None:
    assert modes.mode_of(content_type) is mode


@pytest.mark.parametrize(
    "content_type",
    [
        b"",
        b"text/plain",
        b"application/cloudevents",
        b"application/cloudevents+xml",
        b"application/cloudevents+json; charset=gbk",
    ],
)
def test_media_types_that_are_not(content_type: bytes) -> None:
    refusal = problem(modes.mode_of, content_type)
    assert refusal.status == 415
    assert "application/cloudevents-batch+json" in dict(refusal.headers)["Accept-Post"]


def test_a_batch_is_taken_apart_as_it_was_written() -> None:
    assert modes.batch(b'[ {"a": 1} ,{"b":"\\u4e1c"}, 7 ]') == [b'{"a": 1}', b'{"b":"\\u4e1c"}', b"7"]
    assert len(modes.batch(b"[" + b"0," * 499 + b"0]")) == 500


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "invalid_json"),
        (b"{}", 400, "not_a_batch"),
        (b"[1,]", 400, "invalid_json"),
        (b"[NaN]", 400, "invalid_json"),
        (b"[" * 5000, 400, "too_deep"),
        (b"[" + b"0," * 500 + b"0]", 413, "too_many_events"),
    ],
)
def test_batches_that_are_none(body: bytes, status: int, code: str) -> None:
    refusal = problem(modes.batch, body)
    assert (refusal.status, refusal.code) == (status, code)


def binary_headers(event: dict[str, Any]) -> list[tuple[bytes, bytes]]:
    attributes = {name: value for name, value in event.items() if name not in {"data", "datacontenttype"}}
    return [(f"ce-{name}".encode(), str(value).encode()) for name, value in attributes.items()]


def test_binary_mode_is_the_same_event(offers: Offers) -> None:
    event = incident(rootid="0192d8a0-0000-7000-8000-00000000abcd", revision=2)
    body = modes.binary(binary_headers(event), raw(event["data"]))
    assert read(offers, body).fingerprint == read(offers, event).fingerprint


def test_binary_attributes_are_percent_encoded(offers: Offers) -> None:
    headers = [*binary_headers(incident()), (b"ce-colour", b"%E7%BA%A2%22")]
    body = modes.binary(headers, b'{"code":"010301","status":"filed"}')
    assert json.loads(read(offers, body).raw)["colour"] == '红"'


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ([], b"{}", 415),
        ([(b"ce-id", b"1")], b"{}", 415),
        ([(b"ce-specversion", b"1.0"), (b"ce-id", b"a"), (b"ce-id", b"b")], b"{}", 400),
        ([(b"ce-specversion", b"1.0"), (b"ce-data", b"{}")], b"{}", 400),
        ([(b"ce-specversion", b"1.0"), (b"ce-id", b"%ff")], b"{}", 400),
        ([(b"ce-specversion", b"1.0"), (b"ce-id", b"\xe4\xb8\x9c")], b"{}", 400),
        # Nothing but one whole value may stand where the data stands.
        ([(b"ce-specversion", b"1.0")], b'{},"id":"x"', 400),
        ([(b"ce-specversion", b"1.0")], b"", 400),
        ([(b"ce-specversion", b"1.0")], b"[" * 5000, 400),
    ],
)
def test_binary_mode_that_is_wrong(headers: list[tuple[bytes, bytes]], body: bytes, status: int) -> None:
    assert problem(modes.binary, headers, body).status == status


def body_of(*parts: dict[str, Any]) -> Any:
    waiting = list(parts)

    async def receive() -> Any:
        if not waiting:
            await asyncio.Event().wait()
        return {"type": "http.request", **waiting.pop(0)}

    return receive


async def test_a_body_comes_in_parts() -> None:
    parts = ({"body": b"a", "more_body": True}, {"body": b"", "more_body": True}, {"body": b"bc"})
    assert await read_body(body_of(*parts), BOUNDS) == b"abc"
    assert await read_body(body_of({"body": b"whole"}), BOUNDS) == b"whole"


async def test_a_body_that_grows_too_large_is_cut() -> None:
    half = {"body": b"x" * (WIRE_BYTES_MAX // 2 + 1), "more_body": True}
    with pytest.raises(Problem) as caught:
        await read_body(body_of(half, half), BOUNDS)
    assert caught.value.status == 413


async def test_a_body_that_stops_is_not_waited_for() -> None:
    impatient = DoorSettings(first_byte_seconds=0.01, stall_seconds=0.01)
    for parts in ((), ({"body": b"a", "more_body": True},)):
        with pytest.raises(Problem) as caught:
            await read_body(body_of(*parts), impatient)
        assert (caught.value.status, caught.value.document.retryable) == (408, True)


async def test_a_sender_that_hangs_up_is_told_nothing() -> None:
    async def receive() -> Any:
        return {"type": "http.disconnect"}

    with pytest.raises(SenderGone):
        await read_body(receive, BOUNDS)


def test_sizes_are_known_before_the_body_is_read() -> None:
    assert announced_size(b"17") == 17
    assert announced_size(b"") == WIRE_BYTES_MAX
    assert problem(announced_size, b"%d" % (WIRE_BYTES_MAX + 1)).status == 413


def test_the_gate_holds_requests_and_bytes() -> None:
    bounds = DoorSettings(requests_max=2, bytes_max=2 * WIRE_BYTES_MAX)
    gate = Gate(bounds, IntakeMetrics(Metrics("intake")))
    assert gate.enter(WIRE_BYTES_MAX)
    assert not gate.enter(WIRE_BYTES_MAX + 1)
    assert gate.enter(10)
    assert not gate.enter(10)
    gate.leave(WIRE_BYTES_MAX)
    assert gate.enter(WIRE_BYTES_MAX)
    # A body that turned out larger needs the room for it.
    assert not gate.grow(10, WIRE_BYTES_MAX + 1)
    assert gate.grow(10, WIRE_BYTES_MAX)
    gate.leave(WIRE_BYTES_MAX)
    assert gate.enter(WIRE_BYTES_MAX)


def test_an_answer_for_one_event() -> None:
    status, headers, body = one(STORED)
    assert status == 202
    assert json.loads(body) == {
        "id": "e1",
        "status": "stored",
        "topic": "anxing.facts.v1",
        "partition": 3,
        "offset": 41,
        "receivedtime": "2026-05-01T04:00:00.000000Z",
        "fingerprint": "66" * 32,
    }
    assert dict(headers) == {b"content-type": b"application/json", b"content-length": b"%d" % len(body)}


def test_a_problem_for_one_event() -> None:
    status, headers, body = one(INVALID)
    assert (status, dict(headers)[b"content-type"]) == (422, b"application/problem+json")
    document = json.loads(body)
    assert document["errors"] == [{"pointer": "/data/code", "code": "unknown_code"}]
    assert (document["type"], document["retryable"]) == ("urn:anxing:problem:unknown_code", False)


def test_a_conflict_shows_what_was_sent_and_what_is_stored() -> None:
    document = json.loads(one(refused(conflict(b"a" * 32, b"b" * 32)))[2])
    assert (document["fingerprint"], document["stored_fingerprint"]) == ("61" * 32, "62" * 32)


def test_retry_comes_with_a_time_that_differs() -> None:
    seconds = {int(dict(one(refused(RETRY))[1])[b"retry-after"]) for _ in range(200)}
    assert seconds == set(range(1, RETRY_AFTER_SECONDS_MAX + 1))
    assert b"retry-after" in dict(many([STORED, refused(RETRY)], ["a", "b"])[1])


def test_items_stand_in_order_with_index_and_id() -> None:
    status, _, body = many([STORED, INVALID, INVALID], ["e1", "e2", None])
    assert status == 207
    items = json.loads(body)["items"]
    assert [(item["index"], item["status"], item.get("id")) for item in items] == [
        (0, "stored", "e1"),
        (1, "rejected", "e2"),
        (2, "rejected", None),
    ]
    assert items[0]["receipt"]["offset"] == 41
    assert items[1]["problem"]["status"] == 422


def test_a_batch_with_one_fate_is_a_problem_with_its_items() -> None:
    status, headers, body = many([INVALID, INVALID], ["a", "b"])
    assert (status, dict(headers)[b"content-type"]) == (422, b"application/problem+json")
    document = json.loads(body)
    assert document["status"] == 422
    assert len(document["items"]) == 2
    assert many([STORED], ["e1"])[0] == 202
    assert many([], [])[0] == 200


def test_the_route_is_described() -> None:
    path = events_path()
    statuses = {"200", "202", "207", "400", "401", "403", "408", "409", "413", "415", "422", "429", "503"}
    assert set(path["post"]["responses"]) == statuses
    # Its parts are components of the document: tests/contract/test_openapi.py looks them up.
    assert "#/components/schemas/" in msgspec.json.encode(path).decode()
