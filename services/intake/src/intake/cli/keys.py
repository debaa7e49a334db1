"""`intake keys`: issue, change, rotate, expire, revoke, list."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Annotated, Any, get_args

import typer
from shared.events.access import AccessScope, CredentialIssued, CredentialRevoked, Right
from shared.runtime.auth import issue_key
from shared.runtime.clock import SystemClock
from shared.runtime.console import JsonFlag, err, out, print_json, run_async
from shared.runtime.errors import StartupError

from intake.cli.options import Communities, Compounds, Everything, Names, RolesOption, Stations, key_settings
from intake.cli.wishes import instant_of, readable, roles_of, scope_of, types_of
from intake.cli.wording import State, as_json, show, state_of, table_of
from intake.domain.roles import ORDER
from intake.settings import KeySettings
from intake.topics.credentials import KnownKey, publish, read_keys
from intake.translate.keys import changed, ended, lasting_as_long, next_id

keys = typer.Typer(
    help="Keys of field apps, systems and people: issue, change, rotate, expire, revoke, list.",
    no_args_is_help=True,
)

Id = Annotated[str, typer.Argument(metavar="ID", help="Id of the key: `intake keys list` shows all.")]
Types = Annotated[Names, typer.Option("--event-type", help="Only these event types, such as hazard.opened.")]
Organisation = Annotated[str, typer.Option(help="Id of the organisation that the key belongs to.")]
Days = Annotated[int | None, typer.Option("--valid-days", min=1, max=36_500, help="Default: until revoked.")]
# Clocks of services differ a little: a key just issued must not be too early for one of them.
ISSUED_BEFORE = timedelta(minutes=1)


@keys.command()
def issue(
    key_id: Annotated[str, typer.Option("--id", help="Id of the key; a key of that id is replaced.")] = "",
    role: RolesOption = None,
    all_roles: Annotated[bool, typer.Option("--all-roles", help="Every role, and all compounds.")] = False,
    everything: Everything = False,
    compound: Compounds = None,
    community: Communities = None,
    station: Stations = None,
    organisation: Organisation = "",
    actor: Annotated[str, typer.Option(help="Id of the person or system; default: the id of the key.")] = "",
    device: Annotated[str, typer.Option(help="Id of the device that the key is bound to.")] = "",
    event_type: Types = None,
    right: Annotated[Names, typer.Option(help=f"One of {', '.join(get_args(Right))}.")] = None,
    act_for: Annotated[Names, typer.Option(help="Roles of persons a console's key may act for.")] = None,
    valid_from: Annotated[str, typer.Option(help="Day or time from which it works; default: now.")] = "",
    valid_to: Annotated[str, typer.Option(help="Last day, or the time, until which it works.")] = "",
    valid_days: Days = None,
    as_json_: JsonFlag = False,
) -> None:
    """Issue a key. It is shown once: only its hash is stored."""
    now = SystemClock().now()
    scope = scope_of(
        everything=everything or all_roles, compounds=compound, communities=community, stations=station
    )
    if scope == AccessScope():
        raise StartupError("A key must reach something: --compound, --community, --station or --everything.")
    roles = roles_of(ORDER if all_roles else role or ())
    if not roles:
        raise StartupError(f"A key needs a role: --role with one of {', '.join(ORDER)}.")
    if act_for and "console" not in roles:
        raise StartupError("Only a key with --role console may act for persons: leave out --act-for.")
    if valid_to and valid_days:
        raise StartupError("--valid-to and --valid-days say the same: give one of them.")
    credential_id = key_id or f"k-{secrets.token_hex(6)}"
    settings = key_settings()
    begins = instant_of(valid_from, settings.zone) if valid_from else now - ISSUED_BEFORE
    ends = now + timedelta(days=valid_days) if valid_days else None
    text, issued = issue_key(
        credential_id=credential_id,
        actor_id=actor or credential_id,
        roles=roles,
        scope=scope,
        valid_from=begins,
        valid_to=instant_of(valid_to, settings.zone, end=True) if valid_to else ends,
        organisation=organisation or None,
        device_id=device or None,
        event_types=types_of(event_type or (), roles),
        rights=right or (),
        may_act_for=roles_of(act_for or ()),
    )
    _publish(settings, readable(issued), now, for_programs=as_json_, text=text)


@keys.command()
def rotate(
    key_id: Id,
    new_id: Annotated[str, typer.Option("--new-id", help="Id of the new key; default: ID.2, ID.3, …")] = "",
    overlap_days: Annotated[int, typer.Option(min=0, max=365, help="The old key works that long.")] = 7,
    valid_days: Days = None,
    as_json_: JsonFlag = False,
) -> None:
    """Issue a key like another one, which goes on working for some days."""
    settings, now = key_settings(), SystemClock().now()
    known = run_async(read_keys(settings.kafka))
    old = _living(known, key_id).issued
    credential_id = new_id or next_id(key_id)
    while not new_id and credential_id in known:
        credential_id = next_id(credential_id)
    if credential_id in known:
        raise StartupError(f"There is a key {credential_id} already: choose another --new-id.")
    text, issued = issue_key(
        credential_id=credential_id,
        actor_id=old.actor_id,
        roles=old.roles,
        scope=old.scope,
        valid_from=now - ISSUED_BEFORE,
        valid_to=now + timedelta(days=valid_days) if valid_days else lasting_as_long(old, now),
        organisation=old.organisation,
        device_id=old.device_id,
        event_types=old.event_types,
        rights=old.rights,
        may_act_for=old.may_act_for,
    )
    last = now + timedelta(days=overlap_days)
    # The new key first: broken off in between, there are two, and never none.
    _publish(settings, readable(issued), now, for_programs=as_json_, text=text)
    if old.valid_to is None or old.valid_to > last:
        run_async(publish(settings.kafka, ended(old, last), now))


@keys.command()
def change(
    key_id: Id,
    role: RolesOption = None,
    everything: Everything = False,
    compound: Compounds = None,
    community: Communities = None,
    station: Stations = None,
    organisation: Organisation = "",
    event_type: Types = None,
    as_json_: JsonFlag = False,
) -> None:
    """Give a key other roles, types or compounds; what was recorded before may still come for seven days."""
    settings, now = key_settings(), SystemClock().now()
    issued = _living(run_async(read_keys(settings.kafka)), key_id).issued
    rights: dict[str, Any] = {}
    if role:
        rights["roles"] = roles_of(role)
    scope = scope_of(everything=everything, compounds=compound, communities=community, stations=station)
    if scope != AccessScope():
        rights["scope"] = scope
    if organisation:
        rights["organisation"] = organisation
    if event_type:
        rights["event_types"] = types_of(event_type, rights.get("roles", issued.roles))
    if not rights:
        raise StartupError("Nothing is to change: give --role, --event-type, --organisation or a scope.")
    try:
        new = readable(changed(issued, now, **rights))
    except ValueError as error:
        raise StartupError(f"The key {key_id} was {error}: issue another one.") from error
    _publish(settings, new, now, for_programs=as_json_)


@keys.command()
def expire(
    key_id: Id,
    at: Annotated[str, typer.Option(help="Last day, or the time, until which it works; default: now.")] = "",
    as_json_: JsonFlag = False,
) -> None:
    """Let a key end, now or later; what was recorded before may still come for seven days."""
    settings, now = key_settings(), SystemClock().now()
    issued = _living(run_async(read_keys(settings.kafka)), key_id).issued
    ends = instant_of(at, settings.zone, end=True) if at else now
    _publish(settings, readable(ended(issued, ends)), now, for_programs=as_json_)


@keys.command()
def revoke(key_id: Id, as_json_: JsonFlag = False) -> None:
    """Revoke a key, lost or misused: within five seconds no service takes it, whatever it brings."""
    settings = key_settings()
    known = _known(run_async(read_keys(settings.kafka)), key_id)
    revoked_at = known.revoked_at or SystemClock().now()
    if known.revoked_at is None:
        data = CredentialRevoked(credential_id=key_id, revoked_at=revoked_at, credential=known.issued)
        run_async(publish(settings.kafka, data, revoked_at))
    if as_json_:
        print_json({"id": key_id, "revoked_at": revoked_at})
    else:
        out.print(f"{key_id} 已吊销 revoked", highlight=False)


@keys.command(name="list")
def list_keys(
    as_json_: JsonFlag = False,
    living: Annotated[bool, typer.Option("--valid", help="Only keys that work now.")] = False,
) -> None:
    """List all keys, without their secrets."""
    settings, now = key_settings(), SystemClock().now()
    known = [key for _, key in sorted(run_async(read_keys(settings.kafka)).items())]
    shown = [key for key in known if not living or state_of(key, now) is State.VALID]
    if as_json_:
        print_json([as_json(key, now) for key in shown])
    else:
        show(table_of(shown, now, settings.zone), out)


def _known(known: dict[str, KnownKey], key_id: str) -> KnownKey:
    try:
        return known[key_id]
    except KeyError:
        raise StartupError(f"There is no key {key_id}: `intake keys list` shows all.") from None


def _living(known: dict[str, KnownKey], key_id: str) -> KnownKey:
    key = _known(known, key_id)
    if key.revoked_at is not None:
        raise StartupError(f"The key {key_id} was revoked, and stays so: issue another one.")
    return key


def _publish(
    settings: KeySettings,
    issued: CredentialIssued,
    now: datetime,
    *,
    for_programs: bool,
    text: str | None = None,
) -> None:
    """Publish a key as it is now and show it, with its text when it is new."""
    run_async(publish(settings.kafka, issued, now))
    known = KnownKey(issued, None)
    if for_programs:
        shown = {} if text is None else {"key": text}
        print_json({"id": issued.credential_id, **shown, **as_json(known, now)})
    elif text is None:
        show(table_of([known], now, settings.zone), out)
    else:
        # The key alone is the result, so that a script can take it up.
        out.print(text, highlight=False, soft_wrap=True)
        err.print("钥匙只显示这一次，请立即保存。 This key is shown once: keep it now.", highlight=False)
        show(table_of([known], now, settings.zone), err)
