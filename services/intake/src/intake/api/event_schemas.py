"""What may be sent, as schemas of the OpenAPI document: the exported ones, and what else the format forbids.

The frozen schemas are for readers too and say what an event is; a sender also has to keep out of every string
what readers may understand differently, and out of the envelope what only intake writes.
"""

from __future__ import annotations

import json
from typing import Any, Final

from shared.events.catalogue import CATALOGUE, Family
from shared.events.envelope import INTAKE_STAMPS
from shared.events.samples import SAMPLES
from shared.events.schemas import schema_of

from intake.translate.strict import STRING_CHARS_MAX

FAMILIES: Final = (Family.FACT, Family.REGISTRY, Family.ACCESS)
SENT: Final = tuple(name for name, known in CATALOGUE.items() if known.family in FAMILIES)
COMPONENTS: Final = "#/components/schemas/"
EVENT: Final = "Event"
# Neither control characters but tab and line ends, nor characters that turn text around.
TEXT_PATTERN: Final = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]*$"
_ENVELOPE: Final[dict[str, dict[str, Any]]] = {
    "source": {"pattern": r"^[A-Za-z][A-Za-z0-9+.-]*:[!-~]+(?!\n)$", "description": "URI of the sender"},
    "datacontenttype": {"const": "application/json"},
    "rootid": {"type": "string", "format": "uuid"},
    "objectionid": {"minLength": 1, "maxLength": 128},
    "traceparent": {"pattern": r"^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(?!\n)$"},
}


def event_schemas() -> dict[str, Any]:
    """Components by name: `Event`, every type that may be sent, and their parts."""
    schemas: dict[str, Any] = {
        EVENT: {
            "description": "A CloudEvent of one of the types that may be sent",
            "oneOf": [{"$ref": COMPONENTS + name} for name in SENT],
            "discriminator": {
                "propertyName": "type",
                "mapping": {name: COMPONENTS + name for name in SENT},
            },
        }
    }
    for name in SENT:
        schema = schema_of(CATALOGUE[name])
        parts = schema.pop("$defs")
        del schema["$schema"], schema["$id"]
        properties = schema["properties"]
        for attribute, more in _ENVELOPE.items():
            properties[attribute] = {**properties[attribute], **more}
        # A schema that nothing satisfies: only intake writes these.
        properties |= dict.fromkeys(INTAKE_STAMPS, False)
        schema["propertyNames"] = {"pattern": r"^[a-z0-9]{1,64}(?!\n)$"}
        schema["additionalProperties"] = {
            "description": "An attribute that the contract does not know; it is kept",
            "anyOf": [
                {"type": "string"},
                {"type": "boolean"},
                {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1},
            ],
        }
        schemas |= {part: _bounded(_moved(content)) for part, content in parts.items()}
        schemas[name] = _bounded(_moved(schema))
    return schemas


def sample(name: str) -> dict[str, Any]:
    """A valid event of that type, as a sender writes it."""
    event: dict[str, Any] = json.loads(SAMPLES[name])
    return event


def _moved(node: Any) -> Any:
    """The same with its references into the components of the document."""
    if isinstance(node, dict):
        return {
            name: value.replace("#/$defs/", COMPONENTS) if name == "$ref" else _moved(value)
            for name, value in node.items()
        }
    return [_moved(entry) for entry in node] if isinstance(node, list) else node


def _bounded(node: Any) -> Any:
    """The same with the bounds of free text at every string that has none of its own."""
    if isinstance(node, list):
        return [_bounded(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    bounded = {name: _bounded(value) for name, value in node.items()}
    if node.get("type") == "string" and not node.keys() & {"pattern", "format", "const", "enum"}:
        bounded = {"maxLength": STRING_CHARS_MAX, **bounded, "pattern": TEXT_PATTERN}
    return bounded
