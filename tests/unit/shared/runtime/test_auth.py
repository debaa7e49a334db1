"""Keys and persons, from the records of the access topic."""

from datetime import UTC, datetime, timedelta

import pytest
from shared.events.access import (
    AccessScope,
    ClockObserved,
    CredentialIssued,
    CredentialRevoked,
    PersonGranted,
    PersonRevoked,
)
from shared.events.encode import encode_event
from shared.runtime.auth import Directory, Scope, Unauthorised, issue_key
from shared.runtime.clock import FixedClock
from shared.runtime.metrics import Metrics
from shared.runtime.settings import KafkaSettings

NOW = datetime(2026, 5, 1, 8, 0, tzinfo=UTC)
ISSUER = "https://login.example"


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture
async def directory(clock: FixedClock) -> Directory:
    return Directory(KafkaSettings(), clock=clock, metrics=Metrics("test"))


def record(kind: str, subject: str, data, received: datetime = NOW) -> bytes:
    return encode_event(
        id="01890f5a-0000-7000-8000-000000000001",
        source="urn:anxing:intake",
        type=f"anxing.{kind}.v1",
        subject=subject,
        time=received,
        receivedtime=received,
        data=data,
    )


def guard_key(credential_id: str = "gate_2", **changes: object) -> tuple[str, CredentialIssued]:
    return issue_key(
        **{
            "credential_id": credential_id,
            "actor_id": "guard-7",
            "roles": ["guard"],
            "scope": AccessScope(compounds=("C00017",)),
            "valid_from": NOW - timedelta(days=1),
            **changes,
        }
    )


def issue(directory: Directory, **changes: object) -> str:
    key, issued = guard_key(**changes)
    directory.apply(record("credential.issued", issued.credential_id, issued))
    return key


def refusal(directory: Directory, header: str | None) -> str:
    with pytest.raises(Unauthorised) as error:
        directory.authenticate(header)
    return error.value.code


async def test_a_key_tells_who_calls_and_what_they_may(directory):
    key = issue(
        directory,
        organisation="S01",
        device_id="phone-1",
        event_types=["anxing.patrol.logged.v1"],
        rights=["backfill"],
    )

    principal = directory.authenticate(f"Bearer {key}")

    assert principal.credential_id == "gate_2"
    assert principal.actor_id == "guard-7"
    assert principal.allows_role("officer", "guard")
    assert not principal.allows_role("officer")
    assert principal.scope == Scope(compounds=frozenset({"C00017"}))
    assert principal.event_types == {"anxing.patrol.logged.v1"}
    assert (principal.organisation, principal.device_id) == ("S01", "phone-1")
    assert principal.rights == {"backfill"}


async def test_the_secret_itself_travels_nowhere():
    key, issued = guard_key()

    secret = key.rpartition("_")[2]
    assert len(bytes.fromhex(secret)) == 32
    assert secret.encode() not in record("credential.issued", "gate_2", issued)


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer x",
        "Bearer ax_gate",
        "Basic ax_gate_2_00",
        "Bearer ax__00",
        "Bearer ax_gate_2_",
        "Bearer ax_gäte_2_00",
        "Bearer ax_gate_" + "0" * 400,
        "ax_gate_2_00",
    ],
)
async def test_what_is_no_key_is_malformed(directory, header):
    issue(directory)

    assert refusal(directory, header) == "malformed"


async def test_no_header_is_missing(directory):
    assert refusal(directory, None) == refusal(directory, "") == "missing"


async def test_wrong_secret_and_unknown_id_are_told_alike(directory):
    key = issue(directory)

    assert refusal(directory, f"Bearer {key[:-1]}{'0' if key[-1] != '0' else '1'}") == "unknown"
    assert refusal(directory, f"Bearer {key.replace('gate_2', 'gate_3')}") == "unknown"


async def test_a_revoked_key_stops(directory):
    key, issued = guard_key()
    directory.apply(record("credential.issued", "gate_2", issued))
    directory.apply(
        record(
            "credential.revoked",
            "gate_2",
            CredentialRevoked(credential_id="gate_2", revoked_at=NOW, credential=issued),
        )
    )

    assert refusal(directory, f"Bearer {key}") == "revoked"


async def test_a_later_issue_of_the_same_id_replaces(directory):
    old = issue(directory)
    new = issue(directory, roles=["officer"])

    assert refusal(directory, f"Bearer {old}") == "unknown"
    assert directory.authenticate(f"Bearer {new}").roles == ("officer",)


async def test_validity_follows_the_clock(directory, clock):
    key = issue(directory, valid_from=NOW, valid_to=NOW + timedelta(hours=1))

    clock.advance(seconds=-1)
    assert refusal(directory, f"Bearer {key}") == "early"
    clock.advance(seconds=1)
    assert directory.authenticate(f"Bearer {key}").valid_to == NOW + timedelta(hours=1)
    clock.advance(seconds=3600)
    assert refusal(directory, f"Bearer {key}") == "expired"
    assert directory.authenticate(f"Bearer {key}", grace=timedelta(days=7)).actor_id == "guard-7"


async def test_persons_come_and_go(directory, clock):
    granted = PersonGranted(
        issuer=ISSUER,
        subject="chen",
        actor_id="officer-3",
        roles=("officer",),
        scope=AccessScope(stations=("S01",)),
        valid_from=NOW,
        valid_to=NOW + timedelta(days=1),
    )
    directory.apply(record("person.granted", "p", granted))

    assert directory.person(ISSUER, "chen").actor_id == "officer-3"
    assert directory.person(ISSUER, "li") is None

    clock.advance(days=1)
    assert directory.person(ISSUER, "chen") is None

    clock.set(NOW)
    directory.apply(
        record(
            "person.revoked",
            "p",
            PersonRevoked(issuer=ISSUER, subject="chen", revoked_at=NOW, person=granted),
        )
    )
    assert directory.person(ISSUER, "chen") is None


async def test_time_is_known_from_every_record(directory):
    issue(directory)
    assert directory.newest_received == NOW

    later = NOW + timedelta(minutes=5)
    directory.apply(record("clock.observed", "clock", ClockObserved(observed_at=later), received=NOW))
    directory.apply(record("clock.observed", "clock", ClockObserved(observed_at=NOW)))
    assert directory.newest_received == later


async def test_what_cannot_be_used_is_counted_and_left_aside(directory):
    key = issue(directory)

    for value in (
        None,
        b"",
        b"{",
        b"\xff",
        b'{"specversion":"1.0"}',
        record("incident.recorded", "C1", Strange()),
    ):
        directory.apply(value)

    assert directory.authenticate(f"Bearer {key}")
    assert directory._metrics.auth_ignored._value.get() == 5


class Strange(ClockObserved, frozen=True, kw_only=True):
    observed_at: datetime = NOW
