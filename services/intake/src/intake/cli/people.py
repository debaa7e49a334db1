"""`intake people`: grant, revoke, list those who sign in and for whom a console speaks."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec
import typer
from shared.events.access import AccessScope, PersonGranted, PersonRevoked, person_id
from shared.runtime.clock import SystemClock
from shared.runtime.console import JsonFlag, out, print_json, run_async
from shared.runtime.errors import StartupError

from intake.cli.options import Communities, Compounds, Everything, RolesOption, Stations, key_settings
from intake.cli.wishes import instant_of, readable, roles_of, scope_of
from intake.cli.wording import people_of, show, state_of_person
from intake.domain.roles import ORDER
from intake.settings import KeySettings
from intake.topics.credentials import KnownPerson, publish, read_people

people = typer.Typer(help="People who sign in: grant, revoke, list.", no_args_is_help=True)

Issuer = Annotated[str, typer.Option("--issuer", help="The identity provider, as it names itself.")]
Subject = Annotated[str, typer.Option("--subject", help="The person, as that provider names them.")]
# Clocks of services differ a little.
GRANTED_BEFORE = timedelta(minutes=1)


@people.command()
def grant(
    issuer: Issuer,
    subject: Subject,
    actor: Annotated[str, typer.Option(help="Id that the person's events are stamped with.")],
    role: RolesOption = None,
    everything: Everything = False,
    compound: Compounds = None,
    community: Communities = None,
    station: Stations = None,
    organisation: Annotated[str, typer.Option(help="Id of the organisation of the person.")] = "",
    valid_to: Annotated[str, typer.Option(help="Last day, or the time; default: until revoked.")] = "",
    as_json: JsonFlag = False,
) -> None:
    """Say what a person may do, in place of what was said before; it counts within five seconds."""
    now = SystemClock().now()
    scope = scope_of(everything=everything, compounds=compound, communities=community, stations=station)
    roles = roles_of(role or ())
    if not roles or scope == AccessScope():
        raise StartupError(f"A person needs a scope and a role: --role with one of {', '.join(ORDER)}.")
    settings = key_settings()
    granted = readable(
        PersonGranted(
            issuer=issuer,
            subject=subject,
            actor_id=actor,
            roles=roles,
            scope=scope,
            organisation=organisation or None,
            valid_from=now - GRANTED_BEFORE,
            valid_to=instant_of(valid_to, settings.zone, end=True) if valid_to else None,
        )
    )
    run_async(publish(settings.kafka, granted, now))
    _tell(settings, {person_id(issuer, subject): KnownPerson(granted, None)}, now, for_programs=as_json)


@people.command()
def revoke(
    person: Annotated[str, typer.Argument(metavar="ID", help="Id of the person: see `intake people list`.")],
    as_json: JsonFlag = False,
) -> None:
    """End what a person may do, within five seconds and everywhere."""
    settings, now = key_settings(), SystemClock().now()
    known = run_async(read_people(settings.kafka)).get(person)
    if known is None:
        raise StartupError(f"There is no person {person}: `intake people list` shows all.")
    if known.revoked_at is None:
        granted = known.granted
        data = PersonRevoked(issuer=granted.issuer, subject=granted.subject, revoked_at=now, person=granted)
        run_async(publish(settings.kafka, data, now))
        known = KnownPerson(granted, now)
    _tell(settings, {person: known}, now, for_programs=as_json)


@people.command(name="list")
def list_people(as_json: JsonFlag = False) -> None:
    """List all persons."""
    settings, now = key_settings(), SystemClock().now()
    known = run_async(read_people(settings.kafka))
    if as_json:
        print_json([_as_json(person, each, now) for person, each in known.items()])
    else:
        show(people_of(known, now, settings.zone), out)


def _tell(settings: KeySettings, known: dict[str, KnownPerson], now: datetime, *, for_programs: bool) -> None:
    if for_programs:
        for person, each in known.items():
            print_json(_as_json(person, each, now))
    else:
        show(people_of(known, now, settings.zone), out)


def _as_json(person: str, known: KnownPerson, now: datetime) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.to_builtins(known.granted)
    state = state_of_person(known, now).value
    return {"id": person, **document, "state": state, "revoked_at": known.revoked_at}
