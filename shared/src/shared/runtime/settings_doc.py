"""`.env.example`: every variable with its default and its purpose, from the settings classes themselves."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from shared.runtime.settings import FILE_SUFFIX, PREFIX, ClientSettings

WIDTH = 108
HEAD = f"""\
Settings, with their defaults. Generated from the code; a test keeps it true.
Copy what you change to .env (docker compose reads it) or set it in the environment.
Any value may stand in a file: NAME{FILE_SUFFIX}=/path/to/file.
"""


@dataclass(frozen=True, slots=True)
class _Entry:
    variable: str
    purpose: str
    default: str | None


def render_env(
    services: Mapping[str, type[ClientSettings]], *, others: Sequence[tuple[str, str]] = ()
) -> str:
    """The text of `.env.example` for services by name; `others` are variables of other programs.

    What all services have stands first; defaults that differ are shown as a comment with the service's name.
    """
    by_service = {name: list(_entries(cls, PREFIX)) for name, cls in services.items()}
    everywhere = set.intersection(*({entry.variable for entry in entries} for entries in by_service.values()))
    first = next(iter(by_service.values()))
    shared = [
        line
        for entry in first
        if entry.variable in everywhere
        for line in _lines(entry, _differing(entry.variable, by_service))
    ]
    parts = [_comment(HEAD), _section("all services"), *shared]
    for name, entries in by_service.items():
        own = [entry for entry in entries if entry.variable not in everywhere]
        if own:
            parts += [_section(name), *(line for entry in own for line in _lines(entry, {}))]
    if others:
        parts += [_section("anxing up, demo and tests")]
        parts += [line for name, purpose in others for line in (_comment(purpose), f"# {name}=")]
    return "\n".join(parts) + "\n"


def _entries(cls: type[BaseModel], prefix: str, defaults: BaseModel | None = None) -> Iterator[_Entry]:
    for name, field in cls.model_fields.items():
        default = field.get_default() if defaults is None else getattr(defaults, name)
        variable = prefix + name.upper()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            group = default if isinstance(default, BaseModel) else None
            yield from _entries(field.annotation, f"{variable}__", group)
        else:
            yield _Entry(variable, _purpose(field), _text(default))


def _differing(variable: str, by_service: Mapping[str, Sequence[_Entry]]) -> dict[str, str]:
    defaults = {
        service: entry.default or ""
        for service, entries in by_service.items()
        for entry in entries
        if entry.variable == variable
    }
    return defaults if len(set(defaults.values())) > 1 else {}


def _lines(entry: _Entry, differing: Mapping[str, str]) -> list[str]:
    if entry.default is None:
        return [_comment(f"{entry.purpose} (needed)"), f"# {entry.variable}="]
    purpose = entry.purpose
    if differing:
        purpose += " (" + ", ".join(f"{service} {default}" for service, default in differing.items()) + ")"
    return [_comment(purpose), f"# {entry.variable}={entry.default}"]


def _purpose(field: FieldInfo) -> str:
    return field.description or ""


def _text(default: Any) -> str | None:
    if default is PydanticUndefined:
        return None
    if default is None:
        return ""
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, str | int | float | Path):
        return str(default)
    return json.dumps(list(default))


def _comment(text: str) -> str:
    lines = [wrapped for line in text.strip().splitlines() for wrapped in textwrap.wrap(line, WIDTH)]
    return "\n".join(f"# {line}" for line in lines)


def _section(title: str) -> str:
    return f"\n# --- {title} ---"
