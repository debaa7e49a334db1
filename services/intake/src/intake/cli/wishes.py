"""What an operator asks of a key on the command line, checked before anything is published."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, time, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

import msgspec
from shared.events.access import AccessScope, CredentialIssued, PersonGranted, Role
from shared.events.catalogue import CATALOGUE, TYPE_OF
from shared.events.rules import validate
from shared.runtime.errors import StartupError

from intake.domain.roles import MAY_SEND, ORDER, may_any

T = TypeVar("T", CredentialIssued, PersonGranted)


def roles_of(names: Iterable[str]) -> tuple[Role, ...]:
    """Known roles, once each, in their order; StartupError for any other."""
    asked = set(names)
    if not asked <= set(ORDER):
        raise StartupError(f"There is no such role: --role takes one of {', '.join(ORDER)}.")
    return tuple(name for name in ORDER if name in asked)  # type: ignore[misc]  # just checked


def scope_of(
    *,
    everything: bool,
    compounds: Sequence[str] | None,
    communities: Sequence[str] | None,
    stations: Sequence[str] | None,
) -> AccessScope:
    """The scope that was asked for; StartupError when it is both all and some."""
    scope = AccessScope(
        everything=everything,
        compounds=tuple(dict.fromkeys(compounds or ())),
        communities=tuple(dict.fromkeys(communities or ())),
        stations=tuple(dict.fromkeys(stations or ())),
    )
    if everything and scope != AccessScope(everything=True):
        raise StartupError(
            "--everything reaches all compounds: leave out --compound, --community and --station."
        )
    return scope


def types_of(names: Iterable[str], roles: Sequence[Role]) -> tuple[str, ...]:
    """Full names of event types, which may be given without prefix and version.

    StartupError for what is none, or what none of the roles may send.
    """
    full: dict[str, None] = {}
    for name in names:
        kind = name.removeprefix("anxing.").removesuffix(".v1")
        if f"anxing.{kind}.v1" not in CATALOGUE or kind not in MAY_SEND:
            raise StartupError(f"There is no event type {name}: GET /v1/schemas lists all that may be sent.")
        if not may_any(roles, kind):
            raise StartupError(f"None of the roles {', '.join(roles)} may send {kind}.")
        full[f"anxing.{kind}.v1"] = None
    return tuple(full)


def instant_of(text: str, zone: ZoneInfo, *, end: bool = False) -> datetime:
    """An instant from `2026-06-30T18:00+08:00`, `2026-06-30 18:00` (local) or `2026-06-30`.

    A day is its local beginning, or with `end` the beginning of the next; StartupError for anything else.
    """
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise StartupError(f"{text} is no time: write 2026-06-30 or 2026-06-30T18:00.") from None
    if len(text) == len("2026-06-30") and end:
        at = datetime.combine(at.date() + timedelta(days=1), time.min)
    return at if at.tzinfo is not None else at.replace(tzinfo=zone)


def readable(statement: T) -> T:
    """A statement as readers will read it; StartupError when they would refuse it."""
    try:
        read = msgspec.convert(msgspec.to_builtins(statement), type(statement))
    except msgspec.ValidationError as error:
        raise StartupError(f"It cannot be as asked: {error}.") from error
    if violations := validate(TYPE_OF[type(statement)], read):
        raise StartupError(f"It cannot be as asked: it {violations[0].detail}.")
    return read
