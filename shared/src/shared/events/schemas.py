"""JSON Schemas of all events, generated from the structs: `python -m shared.events.schemas --write DIR`."""

from __future__ import annotations

import argparse
import inspect
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from shared.events.catalogue import CATALOGUE, EventType
from shared.events.compatibility import breaks
from shared.events.envelope import INTAKE_STAMPS, Envelope
from shared.events.fields import SUBJECT_PATTERN, UUID_PATTERN
from shared.events.samples import SAMPLES

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def schema_of(event_type: EventType) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a whole event of this type, envelope included."""
    (_, data), defs = msgspec.json.schema_components(
        (Envelope, event_type.data), ref_template="#/$defs/{name}"
    )
    outer = defs.pop(Envelope.__name__)
    # CloudEvents has no null attributes: an optional one is absent.
    properties = {name: _without_null(schema) for name, schema in outer["properties"].items()}
    for name in INTAKE_STAMPS:
        properties[name]["description"] = "Set by intake only: refused when a sender supplies it"
    properties["id"]["pattern"] = UUID_PATTERN
    properties["subject"]["pattern"] = SUBJECT_PATTERN
    properties |= {"type": {"const": event_type.name}, "data": data}
    for struct in defs.values():
        # Python 3.13 strips the indentation of docstrings, 3.11 keeps it: the files must not care.
        struct["description"] = inspect.cleandoc(struct.get("description", ""))
    schema = {
        "$schema": _DIALECT,
        "$id": f"urn:anxing:schema:{event_type.name}",
        "title": event_type.name,
        "description": defs[event_type.data.__name__]["description"],
        "type": "object",
        "properties": properties,
        "required": outer["required"],
        "$defs": defs,
    }
    # msgspec leaves tuples in defaults; a schema is plain JSON and nothing else.
    plain: dict[str, Any] = json.loads(json.dumps(schema))
    return plain


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    if "anyOf" not in schema:
        return schema
    (kept,) = (option for option in schema["anyOf"] if option != {"type": "null"})
    return dict(kept)


def documents() -> Mapping[str, str]:
    """The text of every frozen file by its name: a schema and a sample per type."""
    texts: dict[str, str] = {}
    for name, event_type in sorted(CATALOGUE.items()):
        texts[f"{name}.schema.json"] = _pretty(schema_of(event_type))
        texts[f"{name}.sample.json"] = _pretty(json.loads(SAMPLES[name]))
    return texts


def _pretty(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def refused(folder: Path) -> list[str]:
    """Which schemas of `folder` the present structs would break, and where."""
    found: list[str] = []
    for path in sorted(folder.glob("*.schema.json")):
        published = json.loads(path.read_text(encoding="utf-8"))
        event_type = CATALOGUE.get(path.name.removesuffix(".schema.json"))
        if event_type is None:
            found.append(f"{path.name}: the type is gone")
        else:
            found += [f"{path.name}: {line}" for line in breaks(published, schema_of(event_type))]
    return found


def write(folder: Path, *, allow_breaks: bool = False) -> list[str]:
    """Writes all documents unless one breaks what is published there; answers the breaks."""
    found = refused(folder)
    if found and not allow_breaks:
        return found
    folder.mkdir(parents=True, exist_ok=True)
    texts = documents()
    for path in folder.glob("*.json"):
        if path.name not in texts:
            path.unlink()
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return []


def main(arguments: list[str] | None = None) -> int:
    """Writes the frozen documents; exit code 1 when a published schema would break."""
    parser = argparse.ArgumentParser(prog="python -m shared.events.schemas", description=__doc__)
    parser.add_argument(
        "--write", type=Path, required=True, metavar="DIR", help="folder of the frozen schemas"
    )
    parser.add_argument("--allow-breaks", action="store_true", help="before the first release only")
    options = parser.parse_args(arguments)
    found = write(options.write, allow_breaks=options.allow_breaks)
    for line in found:
        sys.stderr.write(f"{line}\n")
    if found:
        sys.stderr.write("A break needs a new version of the type with an upcaster.\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
