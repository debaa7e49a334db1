"""The OpenAPI entry of `POST /v1/events`, which is mounted as plain ASGI."""

from __future__ import annotations

from typing import Any

import msgspec
from shared.events.envelope import BATCH_CONTENT_TYPE, CONTENT_TYPE
from shared.runtime.problems import MEDIA_TYPE

from intake.api.answers import BatchBody, BatchProblemBody, ProblemBody, ReceiptBody
from intake.api.modes import EVENTS_MAX

_EVENT: dict[str, Any] = {
    "type": "object",
    "description": "A CloudEvent of one of the types of /v1/schemas",
    "required": ["specversion", "id", "source", "type", "subject", "time", "data"],
    "properties": {
        "specversion": {"const": "1.0"},
        "id": {"type": "string", "format": "uuid"},
        "source": {"type": "string", "format": "uri"},
        "type": {"type": "string"},
        "subject": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
        "time": {"type": "string", "format": "date-time"},
        "data": {"type": "object"},
    },
}


def _inlined(body: type[msgspec.Struct]) -> dict[str, Any]:
    """The schema of a body with its parts inside, because the document's components are made elsewhere."""
    (schema,), parts = msgspec.json.schema_components([body], ref_template="{name}")

    def resolve(node: Any) -> Any:
        if isinstance(node, dict):
            if "$ref" in node:
                return resolve(parts[node["$ref"]])
            return {name: resolve(value) for name, value in node.items()}
        if isinstance(node, list):
            return [resolve(entry) for entry in node]
        return node

    resolved: dict[str, Any] = resolve(schema)
    return resolved


def _answer(description: str, **bodies: type[msgspec.Struct]) -> dict[str, Any]:
    media_types = {"json": "application/json", "problem": MEDIA_TYPE}
    return {
        "description": description,
        "content": {media_types[name]: {"schema": _inlined(body)} for name, body in bodies.items()},
    }


def events_path() -> dict[str, Any]:
    """The path item."""
    refusals = {
        "400": "Not JSON, or not CloudEvents",
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
    answers = {
        "200": {
            "description": "Stored before: the first receipt",
            "content": {
                "application/json": {"schema": {"oneOf": [_inlined(ReceiptBody), _inlined(BatchBody)]}}
            },
        },
        "202": {
            "description": "Stored by all in-sync replicas",
            "content": {
                "application/json": {"schema": {"oneOf": [_inlined(ReceiptBody), _inlined(BatchBody)]}}
            },
        },
        "207": _answer("A batch with items of different fate", json=BatchBody),
    }
    for status, description in refusals.items():
        answers[status] = {
            "description": description,
            "content": {
                MEDIA_TYPE: {"schema": {"anyOf": [_inlined(ProblemBody), _inlined(BatchProblemBody)]}}
            },
        }
    return {
        "post": {
            "operationId": "PostEvents",
            "summary": "Send one event or a batch",
            "description": (
                "Stored means that every in-sync replica has the event. The same event may be sent again at "
                "any time: the first receipt comes back. Items of a batch are judged alone."
            ),
            "tags": ["events"],
            "parameters": [
                {
                    "name": "Sent-At",
                    "in": "header",
                    "required": False,
                    "description": "When this attempt was sent, by the sender's clock",
                    "schema": {"type": "string", "format": "date-time"},
                },
                {
                    "name": "Anxing-Actor",
                    "in": "header",
                    "required": False,
                    "description": "Id of the signed-in person that a console's key speaks for",
                    "schema": {"type": "string", "format": "uuid"},
                },
                {
                    "name": "Content-Encoding",
                    "in": "header",
                    "required": False,
                    "description": "One gzip member or one zstd frame; none: the body as it is",
                    "schema": {"enum": ["gzip", "zstd", "identity"]},
                },
            ],
            "requestBody": {
                "required": True,
                "content": {
                    CONTENT_TYPE: {"schema": _EVENT},
                    BATCH_CONTENT_TYPE: {
                        "schema": {"type": "array", "maxItems": EVENTS_MAX, "items": _EVENT}
                    },
                    "application/json": {
                        "schema": {"type": "object", "description": "The data; attributes are ce- headers"}
                    },
                },
            },
            "responses": answers,
            "security": [{"key": []}],
        }
    }
