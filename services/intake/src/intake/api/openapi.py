"""The OpenAPI entry of `POST /v1/events`, which is mounted as plain ASGI."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from shared.events.envelope import BATCH_CONTENT_TYPE, CONTENT_TYPE
from shared.runtime.problems import MEDIA_TYPE

from intake.api.answers import BatchBody, BatchProblemBody, ProblemBody, ReceiptBody
from intake.api.callers import ACTOR_HEADER
from intake.api.event_schemas import COMPONENTS, EVENT, event_schemas, sample
from intake.api.modes import EVENTS_MAX
from intake.api.receipts import RECEIPT_OPERATION

_EVENT: Final = {"$ref": COMPONENTS + EVENT}
_SAMPLES: Final = ("anxing.incident.recorded.v1", "anxing.hazard.opened.v1")
_BODIES: Final = (ReceiptBody, BatchBody, ProblemBody, BatchProblemBody)

_REFUSALS: Final = {
    "400": "Not JSON, or not CloudEvents; a coding that is not what it says",
    "401": "No key, or one that does not work",
    "403": "Type or compound outside the key, or a person it may not speak for",
    "408": "The body came too slowly",
    "409": "Same id with other content, or a stale revision",
    "413": "More than 1 MiB, 4 MiB decoded, 500 events, or 64 KiB in one event; coded too tightly",
    "415": "Another media type or coding; the headers say which are taken",
    "422": "Unknown type or code, supplied stamp, schema or rule",
    "429": "The device sends too often: again after Retry-After",
    "503": "Not stored, or not known to be: send the same again after Retry-After",
}
_RETRY_AFTER: Final = {
    "Retry-After": {
        "description": "Whole seconds, different for each sender",
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
    }
}
_HEADERS: Final[dict[str, dict[str, Any]]] = {
    "207": _RETRY_AFTER,
    "401": {"WWW-Authenticate": {"description": "How to say who sends", "schema": {"const": "Bearer"}}},
    "415": {
        "Accept-Post": {"description": "The media types that are taken", "schema": {"type": "string"}},
        "Accept-Encoding": {"description": "The codings that are taken", "schema": {"type": "string"}},
    },
    "429": _RETRY_AFTER,
    "503": _RETRY_AFTER,
}


def schemas() -> dict[str, Any]:
    """The components of the document that Litestar does not make."""
    _, parts = msgspec.json.schema_components(_BODIES, ref_template=COMPONENTS + "{name}")
    return {**event_schemas(), **parts}


def events_path() -> dict[str, Any]:
    """The path item."""
    stored = {
        "202": "Stored by all in-sync replicas",
        "200": "Stored before: the first receipt. Also for a batch without events",
    }
    answers = {
        status: _answer(status, description, "application/json", ReceiptBody, BatchBody)
        for status, description in stored.items()
    }
    answers["202"]["links"] = {
        "receipt": {"operationId": RECEIPT_OPERATION, "parameters": {"event_id": "$response.body#/id"}}
    }
    answers["207"] = _answer("207", "A batch with items of different fate", "application/json", BatchBody)
    for status, description in _REFUSALS.items():
        answers[status] = _answer(status, description, MEDIA_TYPE, ProblemBody, BatchProblemBody)
    return {
        "post": {
            "operationId": "PostEvents",
            "summary": "Send one event or a batch",
            "description": (
                "Stored means that every in-sync replica has the event. The same event may be sent again at "
                "any time: the first receipt comes back. Items of a batch are judged alone.\n\n"
                "In binary mode the body is the data and the attributes are percent-encoded headers: "
                "`ce-specversion`, `ce-id`, `ce-source`, `ce-type`, `ce-subject`, `ce-time`. A body may be "
                "one gzip member or one zstd frame, as `Content-Encoding` says."
            ),
            "tags": ["events"],
            "parameters": _parameters(),
            "requestBody": {"required": True, "content": _content()},
            "responses": answers,
            "security": [{"key": []}],
        }
    }


def _answer(status: str, description: str, media_type: str, *bodies: type[msgspec.Struct]) -> dict[str, Any]:
    references = [{"$ref": COMPONENTS + body.__name__} for body in bodies]
    schema = references[0] if len(references) == 1 else {"anyOf": references}
    answer: dict[str, Any] = {"description": description, "content": {media_type: {"schema": schema}}}
    return answer | ({"headers": _HEADERS[status]} if status in _HEADERS else {})


def _parameters() -> list[dict[str, Any]]:
    attributes = {
        name: f"Binary mode: the attribute `{name}`"
        for name in ("specversion", "id", "source", "type", "subject", "time")
    }
    words = {
        "Sent-At": "When this attempt was sent, by the sender's clock (RFC 3339): tells its skew",
        "traceparent": "W3C trace context: kept with events that have none of their own",
        **{f"ce-{name}": description for name, description in attributes.items()},
    }
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "header", "description": description, "schema": {"type": "string"}}
        for name, description in words.items()
    ]
    actor = {
        "name": ACTOR_HEADER,
        "in": "header",
        "description": "Id of the signed-in person that a console's key speaks for",
        "schema": {"type": "string", "format": "uuid"},
    }
    return [*parameters, actor]


def _content() -> dict[str, Any]:
    events = [sample(name) for name in _SAMPLES]
    return {
        CONTENT_TYPE: {
            "schema": _EVENT,
            "examples": {event["type"]: {"value": event} for event in events},
        },
        BATCH_CONTENT_TYPE: {
            "schema": {"type": "array", "maxItems": EVENTS_MAX, "items": _EVENT},
            "examples": {"two": {"summary": "Two events", "value": events}},
        },
        "application/json": {
            "schema": {"type": "object", "description": "The data alone; its attributes are ce- headers"}
        },
    }
