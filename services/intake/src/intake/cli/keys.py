"""`intake keys`: issue, revoke, list."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, get_args

import msgspec
import typer
from rich.table import Table
from shared.events.access import AccessScope, CredentialIssued, CredentialRevoked, Right, Role
from shared.runtime.auth import issue_key
from shared.runtime.clock import SystemClock
from shared.runtime.console import exit_with, out, print_json, run_async
from shared.runtime.errors import StartupError
from shared.runtime.logs import configure
from shared.runtime.settings import load

from intake.domain.roles import ORDER
from intake.settings import KeySettings
from intake.topics.credentials import KnownKey, publish, read_keys

keys = typer.Typer(help="Keys of field apps, systems and people: issue, revoke, list.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document for programs.")]
# Clocks of services differ a little: a key just issued must not be too early for one of them.
ISSUED_BEFORE = timedelta(minutes=1)


def _settings() -> KeySettings:
    settings = load(KeySettings)
    configure(settings.log, service="intake")
    return settings


@keys.command()
def issue(
    key_id: Annotated[str, typer.Option("--id", help="Id of the key; a key of that id is replaced.")] = "",
    role: Annotated[
        list[str] | None, typer.Option(help=f"One of {', '.join(ORDER)}; may be repeated.")
    ] = None,
    all_roles: Annotated[bool, typer.Option("--all-roles", help="Every role, and all compounds.")] = False,
    everything: Annotated[bool, typer.Option("--everything", help="Reaches all compounds.")] = False,
    compound: Annotated[
        list[str] | None, typer.Option(help="Reaches this compound; may be repeated.")
    ] = None,
    community: Annotated[list[str] | None, typer.Option(help="Reaches the compounds of this one.")] = None,
    station: Annotated[list[str] | None, typer.Option(help="Reaches the compounds of this one.")] = None,
    organisation: Annotated[str, typer.Option(help="Id of the organisation that the key belongs to.")] = "",
    actor: Annotated[str, typer.Option(help="Id of the person or system; default: the id of the key.")] = "",
    device: Annotated[str, typer.Option(help="Id of the device that the key is bound to.")] = "",
    event_type: Annotated[list[str] | None, typer.Option(help="Only these event types.")] = None,
    right: Annotated[list[str] | None, typer.Option(help=f"One of {', '.join(get_args(Right))}.")] = None,
    act_for: Annotated[list[str] | None, typer.Option(help="Roles of persons it may act for.")] = None,
    valid_days: Annotated[int | None, typer.Option(min=1, max=36_500, help="Default: until revoked.")] = None,
    as_json: Json = False,
) -> None:
    """Issue a key. It is shown once: only its hash is stored."""
    now = SystemClock().now()
    scope = AccessScope(
        everything=everything or all_roles,
        compounds=tuple(compound or ()),
        communities=tuple(community or ()),
        stations=tuple(station or ()),
    )
    if scope == AccessScope():
        raise StartupError("A key must reach something: --compound, --community, --station or --everything.")
    if not role and not all_roles:
        raise StartupError(f"A key needs a role: --role with one of {', '.join(ORDER)}.")
    credential_id = key_id or f"k-{secrets.token_hex(6)}"
    text, issued = issue_key(
        credential_id=credential_id,
        actor_id=actor or credential_id,
        roles=_roles(ORDER if all_roles else role or ()),
        scope=scope,
        valid_from=now - ISSUED_BEFORE,
        valid_to=now + timedelta(days=valid_days) if valid_days else None,
        organisation=organisation or None,
        device_id=device or None,
        event_types=event_type or (),
        rights=right or (),
        may_act_for=_roles(act_for or ()),
    )
    checked = _checked(issued)
    run_async(publish(_settings().kafka, checked, now))
    if as_json:
        print_json({"id": credential_id, "key": text, "roles": issued.roles, "valid_to": issued.valid_to})
    else:
        out.print(text, highlight=False, soft_wrap=True)


@keys.command()
def revoke(key_id: Annotated[str, typer.Argument(metavar="ID")], as_json: Json = False) -> None:
    """Revoke a key: within five seconds no service takes it any more."""
    settings = _settings()
    known = run_async(read_keys(settings.kafka)).get(key_id)
    if known is None:
        raise StartupError(f"There is no key {key_id}: `intake keys list` shows all.")
    revoked_at = known.revoked_at or SystemClock().now()
    if known.revoked_at is None:
        data = CredentialRevoked(credential_id=key_id, revoked_at=revoked_at, credential=known.issued)
        run_async(publish(settings.kafka, data, revoked_at))
    if as_json:
        print_json({"id": key_id, "revoked_at": revoked_at})
    else:
        out.print(f"{key_id} revoked")


@keys.command(name="list")
def list_keys(as_json: Json = False) -> None:
    """List all keys, without their secrets."""
    known = run_async(read_keys(_settings().kafka))
    if as_json:
        print_json([_as_json(key) for _, key in sorted(known.items())])
        return
    table = Table("id", "roles", "reaches", "organisation", "valid to", "state")
    for key_id, key in sorted(known.items()):
        issued = key.issued
        table.add_row(
            key_id,
            ", ".join(issued.roles),
            _reaches(issued.scope),
            issued.organisation or "",
            "" if issued.valid_to is None else issued.valid_to.astimezone().strftime("%Y-%m-%d"),
            _state(key),
        )
    out.print(table)
    exit_with(0)


def _as_json(key: KnownKey) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.to_builtins(key.issued)
    del document["secret_sha256"]
    return {**document, "state": _state(key), "revoked_at": key.revoked_at}


def _state(key: KnownKey) -> str:
    if key.revoked_at is not None:
        return "revoked"
    valid_to = key.issued.valid_to
    return "expired" if valid_to is not None and valid_to <= datetime.now(UTC) else "valid"


def _reaches(scope: AccessScope) -> str:
    if scope.everything:
        return "everything"
    listed = (*scope.compounds, *scope.communities, *scope.stations)
    return ", ".join(listed[:3]) + (f" and {len(listed) - 3} more" if len(listed) > 3 else "")


def _roles(names: Any) -> tuple[Role, ...]:
    for name in names:
        if name not in ORDER:
            raise StartupError(f"There is no such role: --role takes one of {', '.join(ORDER)}.")
    return tuple(name for name in ORDER if name in names)  # type: ignore[misc]  # just checked


def _checked(issued: CredentialIssued) -> CredentialIssued:
    """The key as readers will read it; StartupError when they would refuse it."""
    try:
        return msgspec.convert(msgspec.to_builtins(issued), CredentialIssued)
    except msgspec.ValidationError as error:
        raise StartupError(f"The key cannot be as asked: {error}.") from error
