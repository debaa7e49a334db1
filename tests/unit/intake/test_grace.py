"""What was allowed when it was recorded, through the whole route, with a clock moved over each edge."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from intake.translate.keys import changed, ended
from shared.events.access import AccessScope, CredentialIssued, CredentialRevoked
from shared.events.registry import CompoundRegistered
from shared.runtime.auth import issue_key
from shared.runtime.clock import FixedClock

from tests.unit.intake.events import NOW, incident, raw
from tests.unit.intake.site import Site

TICK = timedelta(microseconds=1)
DAY = timedelta(days=1)
GRACE = timedelta(days=7)
STORED = (202, "")


class Phone:
    """A site whose clock stands at `NOW` until it is moved, and one key of it."""

    def __init__(self, **changes: Any) -> None:
        self.clock = FixedClock(NOW)
        self.site = Site(clock=self.clock)
        values: dict[str, Any] = {
            "credential_id": "phone",
            "actor_id": "P7",
            "roles": ("officer",),
            "scope": AccessScope(stations=("S1",)),
            "valid_from": NOW - 100 * DAY,
        }
        self.key, self.issued = issue_key(**{**values, **changes})
        self.say(self.issued)
        self.lies("S1", NOW - 100 * DAY)

    def say(self, issued: CredentialIssued) -> None:
        self.issued = issued
        self.site.tell("credential.issued", "phone", issued)

    def lies(self, station: str, known: datetime, effective: datetime | None = None) -> None:
        """The compound is registered at a station, from the day on it is known or another."""
        data = CompoundRegistered(
            name="一号",
            households=100,
            occupied_households=90,
            buildings=4,
            enclosed=True,
            company_id="P1",
            community_id=f"M{station}",
            station_id=station,
            effective_from=(effective or known).date(),
        )
        self.site.tell("compound.registered", "C00017", data, known)

    async def post(self, recorded: datetime, at: datetime | None = None, **changes: Any) -> tuple[int, str]:
        """Status and code of an event that was recorded at an instant and is sent at another."""
        if at is not None:
            self.clock.set(at)
        event = incident(time=recorded.isoformat(), **changes)
        status, _, body = await self.site.post(raw(event), key=self.key)
        if status == 401:
            return status, str(body["errors"][0]["code"])
        return status, str(body.get("type", "")).removeprefix("urn:anxing:problem:")


async def test_a_key_begins() -> None:
    phone = Phone(valid_from=NOW)
    assert await phone.post(NOW, NOW - TICK) == (401, "early")
    assert await phone.post(NOW, NOW) == STORED
    # It may tell what happened before it was issued: phones are replaced, and people write things down.
    assert await phone.post(NOW - 30 * DAY, NOW) == STORED


async def test_a_key_expires() -> None:
    phone = Phone(valid_to=NOW)
    assert await phone.post(NOW - DAY, NOW - TICK) == STORED
    assert await phone.post(NOW - TICK, NOW) == STORED
    assert await phone.post(NOW, NOW) == (403, "after_expiry")
    assert await phone.post(NOW - DAY, NOW, recordedtime=NOW.isoformat()) == (403, "after_expiry")
    assert await phone.post(NOW - TICK, NOW + GRACE - TICK) == STORED
    assert await phone.post(NOW - TICK, NOW + GRACE) == (401, "expired")


async def test_an_end_may_be_set_and_taken_back() -> None:
    phone = Phone()
    phone.say(ended(phone.issued, NOW))
    assert await phone.post(NOW, NOW) == (403, "after_expiry")
    phone.say(ended(phone.issued, NOW + DAY))
    assert await phone.post(NOW, NOW) == STORED


async def test_a_revoked_key_brings_nothing_whenever_it_was_recorded() -> None:
    phone = Phone()
    assert await phone.post(NOW - DAY, NOW) == STORED
    revoked = CredentialRevoked(credential_id="phone", revoked_at=NOW, credential=phone.issued)
    phone.site.tell("credential.revoked", "phone", revoked)
    # Whoever found the phone would date things back.
    assert await phone.post(NOW - DAY, NOW + TICK) == (401, "revoked")


@pytest.mark.parametrize(
    "rights",
    [
        {"scope": AccessScope(stations=("S2",))},
        {"scope": AccessScope(communities=("MS2",))},
        {"roles": ("guard",)},
        {"event_types": ("anxing.hazard.opened.v1",)},
    ],
)
async def test_a_key_is_changed(rights: dict[str, Any]) -> None:
    phone = Phone()
    phone.say(changed(phone.issued, NOW, **rights))
    refused = await phone.post(NOW, NOW)
    assert refused[0] == 403
    assert await phone.post(NOW - TICK, NOW) == STORED
    assert await phone.post(NOW - TICK, NOW + GRACE - TICK) == STORED
    assert await phone.post(NOW - TICK, NOW + GRACE) == (403, "grace_over")
    assert await phone.post(NOW, NOW + GRACE) == refused


@pytest.mark.parametrize("scope", [AccessScope(stations=("S1",)), AccessScope(communities=("MS1",))])
async def test_a_compound_is_moved(scope: AccessScope) -> None:
    phone = Phone(scope=scope)
    assert await phone.post(NOW - DAY, NOW - TICK) == STORED
    phone.clock.set(NOW)
    # Registered for a day that is long over: the door knows it from now on.
    phone.lies("S2", NOW, effective=NOW - 20 * DAY)
    assert await phone.post(NOW, NOW) == (403, "out_of_scope")
    assert await phone.post(NOW - TICK, NOW) == STORED
    assert await phone.post(NOW - TICK, NOW + GRACE - TICK) == STORED
    assert await phone.post(NOW - TICK, NOW + GRACE) == (403, "grace_over")


async def test_a_compound_is_moved_on_a_day_to_come() -> None:
    phone = Phone()
    phone.lies("S2", NOW, effective=NOW + DAY)
    # 2 May begins in Shanghai at 16:00 UTC of 1 May.
    midnight = NOW.replace(hour=16)
    assert await phone.post(NOW, midnight - TICK) == STORED
    phone.clock.set(midnight)
    phone.site.registry.let_time_pass()
    assert await phone.post(midnight, midnight) == (403, "out_of_scope")
    assert await phone.post(midnight - TICK, midnight) == STORED
    assert await phone.post(midnight - TICK, midnight + GRACE) == (403, "grace_over")


async def test_who_has_the_compound_now_may_tell_of_before() -> None:
    phone = Phone(scope=AccessScope(stations=("S2",)))
    assert await phone.post(NOW - DAY, NOW) == (403, "out_of_scope")
    phone.lies("S2", NOW)
    assert await phone.post(NOW - DAY, NOW + TICK) == STORED
