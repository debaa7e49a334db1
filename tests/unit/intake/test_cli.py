"""What `intake keys` refuses before it looks for a server, and what becomes of keys."""

import json
import re
import shlex
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest
from intake.__main__ import main
from intake.cli.keys import keys
from intake.cli.people import people
from intake.cli.wishes import instant_of, types_of
from intake.cli.wording import ROLES, State, as_json, state_of, table_of
from intake.domain.callers import GRACE
from intake.topics.credentials import KnownKey, KnownPerson
from intake.translate.keys import FORMER_MAX, changed, ended, lasting_as_long, next_id
from rich.console import Console
from shared.events.access import AccessScope, CredentialIssued, PersonGranted, Role, person_id
from shared.runtime.auth import issue_key
from shared.runtime.errors import StartupError
from typer.testing import CliRunner

from tests.unit.intake.events import NOW

SHANGHAI = ZoneInfo("Asia/Shanghai")
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--role", "officer"], "--everything"),
        (["--everything"], "--role"),
        (["--everything", "--role", "king"], "--role"),
        (["--everything", "--role", "console", "--act-for", "king"], "--role"),
        (["--everything", "--role", "officer", "--act-for", "officer"], "--act-for"),
        (["--everything", "--role", "officer", "--right", "divine"], "rights"),
        (["--everything", "--role", "officer", "--id", "a b"], "credential_id"),
        (["--compound", "a b", "--role", "officer"], "compounds"),
        (["--compound", "C1", "--everything", "--role", "officer"], "--everything"),
        (["--everything", "--role", "officer", "--event-type", "hazard.oped"], "hazard.oped"),
        (["--everything", "--role", "officer", "--event-type", "outcome.star.changed"], "outcome"),
        (["--everything", "--role", "guard", "--event-type", "veto.confirmed"], "veto.confirmed"),
        (["--everything", "--role", "guard", "--valid-to", "soon"], "soon"),
        (["--everything", "--role", "guard", "--valid-to", "2020-01-01"], "ends before it begins"),
        (["--everything", "--role", "guard", "--valid-to", "2030-01-01", "--valid-days", "3"], "--valid-to"),
    ],
)
def test_what_cannot_be_issued_is_said_in_one_sentence(words: list[str], named: str) -> None:
    result = CliRunner().invoke(keys, ["issue", *words])
    assert isinstance(result.exception, StartupError)
    assert named in result.exception.sentence
    assert "\n" not in result.exception.sentence
    assert result.stdout == ""


def issued(**changes: Any) -> CredentialIssued:
    values: dict[str, Any] = {
        "credential_id": "phone",
        "actor_id": "P7",
        "roles": ("officer",),
        "scope": AccessScope(stations=("S1",)),
        "organisation": "S1",
        "valid_from": NOW - 30 * DAY,
    }
    return issue_key(**{**values, **changes})[1]


def test_a_key_stands_by_its_times_and_by_whether_it_was_revoked() -> None:
    key = KnownKey(issued(valid_to=NOW), None)
    begins = key.issued.valid_from
    tick = timedelta(microseconds=1)
    states = [state_of(key, at) for at in (begins - tick, begins, NOW - tick, NOW)]
    assert states == [State.EARLY, State.VALID, State.VALID, State.EXPIRED]
    assert state_of(KnownKey(key.issued, NOW), begins) is State.REVOKED


def test_a_changed_key_keeps_its_secret_and_what_it_could_do() -> None:
    first = issued()
    second = changed(first, NOW, scope=AccessScope(stations=("S2",)), organisation="S2")
    assert second.secret_sha256 == first.secret_sha256
    (was,) = second.former
    assert (was.until, was.scope, was.organisation) == (NOW, first.scope, "S1")
    third = changed(second, NOW + DAY, roles=("station_chief",))
    assert [was.until for was in third.former] == [NOW, NOW + DAY]
    assert [was.organisation for was in third.former] == ["S1", "S2"]
    # What nobody can bring any more is forgotten.
    last = changed(third, NOW + GRACE, roles=("guard",))
    assert [was.until for was in last.former] == [NOW + DAY, NOW + GRACE]


def test_a_key_is_not_changed_without_end() -> None:
    key = issued()
    for minute in range(FORMER_MAX):
        key = changed(key, NOW + minute * timedelta(minutes=1), roles=("guard",))
    with pytest.raises(ValueError, match="more than 20 times"):
        changed(key, NOW + DAY, roles=("guard",))


def test_ends_and_successors() -> None:
    key = issued()
    assert ended(key, NOW).valid_to == NOW
    assert lasting_as_long(key, NOW) is None
    assert lasting_as_long(ended(key, NOW), NOW) == NOW + 30 * DAY
    assert [next_id(known) for known in ("phone", "phone.2", "phone.9", "a.b", ".7")] == [
        "phone.2",
        "phone.3",
        "phone.10",
        "a.b.2",
        ".7.2",
    ]


def test_times_are_local_unless_they_say_where() -> None:
    assert instant_of("2026-06-30", SHANGHAI) == datetime(2026, 6, 29, 16, tzinfo=UTC)
    assert instant_of("2026-06-30", SHANGHAI, end=True) == datetime(2026, 6, 30, 16, tzinfo=UTC)
    assert instant_of("2026-06-30 18:00", SHANGHAI, end=True) == datetime(2026, 6, 30, 10, tzinfo=UTC)
    assert instant_of("2026-06-30T18:00+00:00", SHANGHAI) == datetime(2026, 6, 30, 18, tzinfo=UTC)


def test_event_types_go_by_both_names() -> None:
    names = ("hazard.opened", "anxing.hazard.opened.v1", "fact.withdrawn")
    assert types_of(names, ("guard",)) == ("anxing.hazard.opened.v1", "anxing.fact.withdrawn.v1")


def test_the_table_is_chinese_and_tells_no_secret() -> None:
    many = AccessScope(compounds=tuple(f"C{n}" for n in range(9)), stations=("S1",))
    known = [
        KnownKey(issued(device_id="D1"), None),
        KnownKey(issued(credential_id="lost", scope=many), NOW),
        KnownKey(issued(credential_id="all", roles=tuple(ROLES), scope=AccessScope(everything=True)), None),
    ]
    text = StringIO()
    Console(file=text, width=200).print(table_of(known, NOW, SHANGHAI))
    shown = text.getvalue()
    for word in ("phone", "社区民警", "派出所 S1", "P7（D1）", "有效", "已吊销", "等 9 个", "全部小区"):
        assert word in shown
    for key in known:
        assert key.issued.secret_sha256 not in shown
        assert "secret_sha256" not in as_json(key, NOW)


def test_every_role_has_a_chinese_name() -> None:
    assert set(ROLES) == set(get_args(Role))


OPERATING = Path(__file__).parents[3] / "shared" / "docs" / "operating.md"
DOCUMENTED = re.findall(r"`intake ((?:keys|people) [^`]+)`", OPERATING.read_text(encoding="utf-8"))


@pytest.mark.parametrize("words", DOCUMENTED)
def test_every_documented_example_is_one(words: str, topic: list[Any]) -> None:
    result = CliRunner().invoke(main, shlex.split(words))
    assert (result.exception, result.exit_code) == (None, 0)
    assert bool(topic) == ("list" not in words)


@pytest.fixture
def topic(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the verbs publish, in place of the topic, which knows one key and one person."""
    published: list[Any] = []

    async def publish(kafka: object, data: Any, now: datetime) -> None:
        published.append(data)

    async def read_keys(kafka: object) -> dict[str, KnownKey]:
        return {"phone-017": KnownKey(issued(credential_id="phone-017"), None)}

    async def read_people(kafka: object) -> dict[str, KnownPerson]:
        return {CHEN: KnownPerson(GRANTED, None)}

    for module in ("keys", "people"):
        monkeypatch.setattr(f"intake.cli.{module}.publish", publish)
    monkeypatch.setattr("intake.cli.keys.read_keys", read_keys)
    monkeypatch.setattr("intake.cli.people.read_people", read_people)
    return published


GRANTED = PersonGranted(
    issuer="https://id.example.org",
    subject="chen",
    actor_id="P0017",
    roles=("officer",),
    scope=AccessScope(stations=("S01",)),
    # Long ago for every machine: the verbs ask the real clock.
    valid_from=NOW - 1_000 * DAY,
)
CHEN = person_id("https://id.example.org", "chen")


def test_a_person_is_granted_revoked_and_listed(topic: list[Any]) -> None:
    run = CliRunner().invoke
    who = ("--issuer", GRANTED.issuer, "--subject", "chen", "--actor", "P0017")
    result = run(people, ["grant", *who, "--role", "officer", "--station", "S01", "--json"])
    assert json.loads(result.stdout)["id"] == CHEN
    (granted,) = topic
    assert (granted.roles, granted.scope, granted.actor_id) == (GRANTED.roles, GRANTED.scope, "P0017")
    assert json.loads(run(people, ["revoke", CHEN, "--json"]).stdout)["state"] == "revoked"
    assert topic[1].person == GRANTED
    (listed,) = json.loads(run(people, ["list", "--json"]).stdout)
    assert (listed["id"], listed["state"]) == (CHEN, "valid")
    assert "社区民警" in run(people, ["list"]).stdout


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--station", "S01"], "--role"),
        (["--role", "officer"], "--role"),
        (["--role", "king", "--everything"], "no such role"),
        (["--role", "officer", "--everything", "--valid-to", "2020-01-01"], "ends before it begins"),
        (["--role", "officer", "--station", "S 1"], "stations"),
    ],
)
def test_what_cannot_be_granted_is_said_in_one_sentence(
    words: list[str], named: str, topic: list[Any]
) -> None:
    who = ("--issuer", GRANTED.issuer, "--subject", "chen", "--actor", "P0017")
    result = CliRunner().invoke(people, ["grant", *who, *words])
    assert isinstance(result.exception, StartupError)
    assert named in result.exception.sentence
    assert topic == []


def test_nobody_of_that_id_is_revoked(topic: list[Any]) -> None:
    result = CliRunner().invoke(people, ["revoke", "chen"])
    assert isinstance(result.exception, StartupError)
    assert topic == []
