"""A console speaks for the person who is signed in, with that person's rights and nobody's else."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from shared.events.access import AccessScope, PersonGranted, PersonRevoked, person_id
from shared.runtime.clock import FixedClock

from tests.unit.intake.events import NOW, incident, raw
from tests.unit.intake.site import Site

ISSUER = "https://id.example.org"
CHEN = person_id(ISSUER, "chen")
EVENT = incident()


def grant(site: Site, subject: str = "chen", **changes: Any) -> PersonGranted:
    values: dict[str, Any] = {
        "issuer": ISSUER,
        "subject": subject,
        "actor_id": f"officer-{subject}",
        "roles": ("officer",),
        "scope": AccessScope(compounds=("C00017",)),
        "organisation": "S7",
        "valid_from": NOW - timedelta(days=1),
    }
    granted = PersonGranted(**{**values, **changes})
    site.tell("person.granted", CHEN, granted)
    return granted


@pytest.fixture
def site() -> Site:
    """A site whose key is a console's that may speak for officers and chiefs."""
    site = Site()
    site.key = console(site)
    return site


def console(site: Site, **more: Any) -> str:
    return site.issue(
        **{"roles": ("console",), "may_act_for": ("officer", "station_chief"), "device_id": "web-1", **more}
    )


async def code(site: Site, event: Any = EVENT, actor: str | None = CHEN) -> tuple[int, str]:
    status, _, body = await site.post(raw(event), actor=actor)
    return status, body.get("type", "").removeprefix("urn:anxing:problem:")


async def test_the_person_is_stamped_and_not_the_console(site: Site) -> None:
    grant(site)
    assert (await code(site)) == (202, "")
    published = json.loads(site.log.records[-1][1])
    assert (published["actorid"], published["actorrole"]) == ("officer-chen", "officer")
    assert (published["actororg"], published["deviceid"]) == ("S7", "web-1")


async def test_the_person_s_rights_decide(site: Site) -> None:
    grant(site)
    assert await code(site, incident(subject="C00018")) == (403, "out_of_scope")
    veto = {"veto_id": "V1", "veto": "V3", "occurred_on": "2026-04-01", "reason": "x"}
    assert await code(site, incident(type="anxing.veto.confirmed.v1", data=veto)) == (403, "role_not_allowed")


async def test_the_key_s_own_rights_are_not_lent(site: Site) -> None:
    site.key = console(site, roles=("console", "officer", "sub_bureau"), rights=("backfill",))
    grant(site)
    veto = {"veto_id": "V1", "veto": "V3", "occurred_on": "2026-04-01", "reason": "x"}
    assert await code(site, incident(type="anxing.veto.confirmed.v1", data=veto)) == (403, "role_not_allowed")
    assert await code(site, incident(time="2025-01-01T00:00:00Z")) == (422, "time_too_old")


async def test_a_person_goes_no_further_than_the_key(site: Site) -> None:
    grant(site, scope=AccessScope(everything=True), roles=("officer", "sub_bureau"))
    site.key = console(site, scope=AccessScope(compounds=("C00018",)))
    assert await code(site) == (403, "out_of_scope")
    assert await code(site, incident(subject="C00018")) == (202, "")
    site.key = console(site, event_types=("anxing.hazard.opened.v1",))
    assert await code(site) == (403, "type_not_allowed")
    # It may not speak for the sub-bureau, whatever the person is.
    site.key = console(site)
    veto = {"veto_id": "V1", "veto": "V3", "occurred_on": "2026-04-01", "reason": "x"}
    assert await code(site, incident(type="anxing.veto.confirmed.v1", data=veto)) == (403, "role_not_allowed")


async def test_a_console_says_nothing_in_its_own_name(site: Site) -> None:
    assert await code(site, actor=None) == (403, "role_not_allowed")


@pytest.mark.parametrize("roles", [("officer",), ("admin",), ("operator", "integrator", "sub_bureau")])
async def test_nobody_else_speaks_for_a_person(site: Site, roles: tuple[str, ...]) -> None:
    grant(site)
    site.key = site.issue(roles=roles, may_act_for=("officer",))
    assert await code(site) == (403, "actor_not_allowed")
    # Not even for itself, and the body is not read.
    assert site.reads == 0


async def test_a_console_that_may_speak_for_no_such_role(site: Site) -> None:
    grant(site, roles=("company",))
    assert await code(site) == (403, "actor_not_allowed")
    site.key = console(site, may_act_for=())
    grant(site)
    assert await code(site) == (403, "actor_not_allowed")


@pytest.mark.parametrize("actor", ["", "chen", "officer-chen", person_id(ISSUER, "li"), "ö", "x" * 5000])
async def test_nobody_of_that_id(site: Site, actor: str) -> None:
    grant(site)
    status, _, body = await site.post(raw(incident()), actor=actor)
    assert (status, body["type"]) == (403, "urn:anxing:problem:unknown_actor")
    assert body["errors"] == [{"pointer": "Anxing-Actor", "code": "unknown_actor"}]


async def test_an_id_may_be_written_in_capitals(site: Site) -> None:
    grant(site)
    assert await code(site, actor=CHEN.upper()) == (202, "")


async def test_a_revoked_person_is_nobody_at_once(site: Site) -> None:
    granted = grant(site)
    assert await code(site, incident()) == (202, "")
    site.tell(
        "person.revoked",
        CHEN,
        PersonRevoked(issuer=ISSUER, subject="chen", revoked_at=NOW, person=granted),
    )
    # Whoever sits at a console is there now: there is nothing to bring in later.
    assert await code(site, incident(time="2026-05-01T03:00:00Z")) == (403, "unknown_actor")


@pytest.mark.parametrize(
    ("now", "known"),
    [
        (NOW - timedelta(microseconds=1), False),
        (NOW, True),
        (NOW + timedelta(days=1, microseconds=-1), True),
        (NOW + timedelta(days=1), False),
    ],
)
async def test_a_person_s_time_begins_and_ends(now: datetime, known: bool) -> None:
    site = Site(clock=FixedClock(now))
    site.key = console(site)
    grant(site, valid_from=NOW, valid_to=NOW + timedelta(days=1))
    expected = (202, "") if known else (403, "unknown_actor")
    assert await code(site) == expected


async def test_changed_rights_count_with_the_next_event(site: Site) -> None:
    grant(site)
    assert await code(site, incident()) == (202, "")
    grant(site, roles=("station_chief",), organisation="S8", scope=AccessScope(compounds=("C00018",)))
    assert await code(site, incident()) == (403, "out_of_scope")
    assert await code(site, incident(subject="C00018")) == (202, "")
    published = json.loads(site.log.records[-1][1])
    assert (published["actorrole"], published["actororg"]) == ("station_chief", "S8")
