"""Statistics over HTTP, on the command line and in the tables, with everything that must not be counted."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from hashlib import sha256
from random import Random
from typing import Any

import asyncpg
import httpx
import pytest
from scoring.domain.facts import Fact
from scoring.domain.registry import CompoundRevision
from scoring.domain.statistics import Period
from scoring.handlers.judging import judge
from scoring.handlers.plan import Plan
from scoring.ports import Arrival, FactKey, Known
from scoring.store import ledger, registry
from scoring.store.registry import CompoundRow, RegistryRow
from scoring.store.statistics import Asked, Figures
from shared.events.access import AccessScope
from shared.runtime.auth import Scope
from shared.runtime.database import Database
from shared.runtime.settings import DatabaseSettings

from tests.conftest import MakeDatabase
from tests.integration.scoring.processes import run
from tests.integration.scoring.stage import ZONE, Stage, issue
from tests.properties import naive_statistics as naive
from tests.properties.naive_rubric import Naive
from tests.properties.scoring_facts import DAYS, FIRST, registration, revisions
from tests.unit.scoring.rubric_examples import rubric


class Desk:
    """Calls as an installation gets them, `ago` days before today at noon."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.today = stage.clock.today(ZONE)
        self._noon = stage.clock.now().astimezone(ZONE).replace(hour=12, minute=0, second=0, microsecond=0)

    def call(
        self,
        compound: str,
        ago: int,
        code: str,
        status: str = "filed",
        place: str = "inside",
        **attributes: Any,
    ) -> dict[str, Any]:
        data = {"code": code, "status": status, "place": place}
        time = self._noon - timedelta(days=ago)
        return self._stage.fact(compound, "incident.recorded", data, time=time, **attributes)

    def withdrawal(self, call: dict[str, Any], revision: int) -> dict[str, Any]:
        return self._stage.fact(
            call["subject"],
            "fact.withdrawn",
            {"reason": "重复录入"},
            rootid=call.get("rootid", call["id"]),
            revision=revision,
        )


async def asked(client: httpx.AsyncClient, query: str = "", key: str | None = None) -> dict[str, Any]:
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    answer = await client.get(f"/v1/statistics{query}", headers=headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def counts(found: dict[str, Any], *names: str) -> list[tuple[int, int]]:
    return [(found["figures"][name]["count"], found["figures"][name]["count_before"]) for name in names]


async def test_corrected_withdrawn_and_unassigned_calls(stage: Stage) -> None:
    desk = Desk(stage)
    await stage.register("C1")
    async with stage.service() as client:
        burglary, theft = desk.call("C1", 10, "010301"), desk.call("C1", 20, "010304")
        twice, early = desk.call("C1", 10, "010301"), desk.call("C1", 300, "080104", "accepted")
        late = desk.call("C9", 5, "010301")
        await stage.facts(
            [
                burglary, theft, twice, early, late,
                desk.call("C1", 11, "010301", "invalid"),
                desk.call("C1", 11, "010301", place="outside"),
                desk.call("C1", 12, "090000", "received"),
                desk.call("C1", 13, "030000", "accepted"),
                # Before the compound was enrolled: no score counts it, a comparison of years must.
                desk.call("C1", 400, "080101", "accepted"),
                desk.call("C1", 370, "010301"),
                # Too long ago, and not over yet.
                desk.call("C1", 731, "010301"),
                desk.call("C1", 0, "010301"),
            ]
        )  # fmt: skip
        await stage.at_rest(client)
        found = await asked(client)
        yesterday = desk.today - timedelta(days=1)
        assert (found["first_day"], found["last_day"]) == (
            str(yesterday - timedelta(days=364)),
            str(yesterday),
        )
        assert (found["first_day_before"], found["last_day_before"]) == (
            str(yesterday - timedelta(days=729)),
            str(yesterday - timedelta(days=365)),
        )
        assert counts(found, "calls", "cases", "disputes") == [(5, 2), (3, 1), (1, 1)]
        assert found["figures"]["calls"]["change_permyriad"] == 15_000
        assert (found["compounds"], found["compounds_joined"]) == (1, 1)
        assert found["without_criminal_case"] == {"count": 0, "compounds": []}
        share = found["shares"]["cases"]
        assert (share["of"], share["count"], share["of_count"]) == ("calls_without_traffic", 3, 4)
        assert (share["share_permyriad"], share["share_permyriad_before"]) == (7_500, 5_000)
        assert (share["title"], share["of_title"]) == ("刑事和治安案件", "有效警情（不含交通）")
        # One is withdrawn, one becomes telecom fraud, one moves into the year before; repeats change nothing.
        corrections = [
            desk.withdrawal(twice, 2),
            desk.call("C1", 20, "010701", rootid=theft["id"], revision=2),
            desk.call("C1", 380, "080105", "accepted", rootid=early["id"], revision=2),
        ]
        await stage.facts([*corrections, twice, *corrections])
        await stage.at_rest(client)
        found = await asked(client)
        assert counts(found, "calls", "cases", "disputes") == [(3, 3), (2, 1), (0, 2)]
        assert counts(found, "home_disputes_and_property_crimes") == [(1, 2)]
        # What was withdrawn is said anew, and withdrawn before it was ever seen.
        unseen = desk.call("C1", 3, "010301")
        await stage.facts(
            [
                desk.call("C1", 9, "020200", "accepted", rootid=twice["id"], revision=3),
                desk.withdrawal(unseen, 2),
                unseen,
            ]
        )
        await stage.register("C9", enrolled_on=str(desk.today - timedelta(days=2)), name="新村")
        await stage.at_rest(client)
        found = await asked(client)
        assert counts(found, "calls", "cases", "public_security_cases") == [(5, 3), (4, 1), (1, 0)]
        assert (found["compounds"], found["compounds_joined"]) == (2, 2)
        rows = await stage.connection.fetchval(
            "SELECT count(*) FROM incident i JOIN ledger USING (partition, ledger_seq)"
            " WHERE NOT withdrawn AND i.day = ledger.day AND i.compound = ledger.compound"
        )
        assert rows == await stage.connection.fetchval(
            "SELECT count(*) FROM ledger WHERE kind = 'incident.recorded'"
        )


async def test_whose_statistics_they_are(stage: Stage) -> None:
    desk = Desk(stage)
    joined, moved = str(desk.today - timedelta(days=1_000)), str(desk.today - timedelta(days=100))
    left = str(desk.today - timedelta(days=30))
    always = {"enrolled_on": joined, "effective_from": joined}
    for number in range(4):
        await stage.register(
            f"C{number}", name=f"小区{number}", community_id=f"S{number % 2}", company_id="P1", **always
        )
    await stage.register("C3", name="小区3", company_id="P2", **{**always, "effective_from": moved})
    await stage.register("C4", **always, withdrawn_on=left)
    await stage.register("C5", **{**always, "enrolled_on": None})
    community = await issue(stage, AccessScope(communities=("S0",)))
    single = await issue(stage, AccessScope(compounds=("C3",)))
    nothing = await issue(stage, AccessScope())
    async with stage.service() as client:
        await stage.facts(
            desk.call(f"C{number}", 50, code)
            for number in range(6)
            for code in ("010301", "050000")
            if (number, code) != (1, "010301")
        )
        await stage.at_rest(client)
        found = await asked(client)
        assert (found["compounds"], found["compounds_joined"]) == (4, 0)
        assert counts(found, "calls", "cases") == [(7, 0), (3, 0)]
        assert found["without_criminal_case"] == {"count": 1, "compounds": [{"id": "C1", "name": "小区1"}]}
        assert (await asked(client, "?listed=0"))["without_criminal_case"] == {"count": 1, "compounds": []}
        # C3 went from one company to the other, and C4 has left: each day is asked for itself.
        assert (await asked(client, "?company=P1"))["compounds"] == 3
        assert (await asked(client, "?company=P2"))["compounds"] == 1
        assert (await asked(client, f"?company=P2&to={desk.today - timedelta(days=101)}"))["compounds"] == 0
        assert (await asked(client, f"?to={desk.today - timedelta(days=31)}"))["compounds"] == 5
        assert (await asked(client, f"?to={left}"))["compounds"] == 4
        assert (await asked(client, "?station=baiguan&community=S0"))["compounds"] == 2
        assert (await asked(client, "?station=nowhere"))["figures"]["calls"]["count"] == 0
        assert (await asked(client, key=community))["compounds"] == 2
        assert counts(await asked(client, key=community), "calls") == [(4, 0)]
        assert counts(await asked(client, "?community=S1", key=community), "calls") == [(0, 0)]
        assert counts(await asked(client, key=single), "calls", "cases") == [(2, 0), (1, 0)]
        assert (await asked(client, key=nothing))["compounds"] == 0
        assert counts(await asked(client, f"?to={desk.today - timedelta(days=51)}"), "calls") == [(0, 0)]
        refused = await client.get("/v1/statistics", headers={"Authorization": "Bearer no"})
        assert refused.status_code == 401
        for day in (desk.today + timedelta(days=1), date(2, 1, 1)):
            answer = await client.get(f"/v1/statistics?to={day}")
            assert (answer.status_code, answer.json()["errors"]) == (
                422,
                [{"pointer": "to", "code": "range"}],
            )
        document = (await client.get("/openapi.json")).json()
        names = {one["name"] for one in document["paths"]["/v1/statistics"]["get"]["parameters"]}
        assert names == {"station", "community", "company", "to", "listed"}
        told = run(stage, "statistics", "--json", "--company", "P1")
        assert told.returncode == 0, told.stderr
        assert json.loads(told.stdout) == await asked(client, "?company=P1")
        shown = run(stage, "statistics", COLUMNS="200")
        assert "无刑事案件的小区 1 个：小区1" in shown.stdout
        assert "刑事和治安案件占有效警情（不含交通） 42.86 %（3 / 7）" in shown.stdout


COMPOUNDS = 12


@pytest.mark.parametrize("seed", range(4))
async def test_what_the_tables_say_equals_a_naive_count(make_database: MakeDatabase, seed: int) -> None:
    r = Random(seed)
    facts = {f"C{number}": list(_facts(r, f"C{number}")) for number in range(COMPOUNDS)}
    registered = {f"C{number}": list(_registrations(r, f"C{number}")) for number in range(COMPOUNDS - 2)}
    url = await make_database("scoring")
    connection = await asyncpg.connect(url)
    database = await Database.open(DatabaseSettings(url=url), application_name="test")
    try:
        await _write_registry(connection, [one for ones in registered.values() for one in ones])
        await _write_facts(r, connection, [one for ones in facts.values() for one in ones])
        figures = Figures(database, rubric())
        for _ in range(30):
            last = FIRST + r.choice([r.randint(0, DAYS + 400), 365, 729, 730])
            company = r.choice([None, "P1", "P2"])
            community = r.choice([None, None, "S0", "S1"])
            found = await figures.read(
                Scope(everything=True), Asked(company, community), Period(last), COMPOUNDS
            )
            ours = [
                compound
                for compound, revisions in registered.items()
                if _meant(Naive([], revisions), last, company, community)
            ]
            expected: dict[str, tuple[int, int]] = {}
            for compound in ours:
                for name, (within, before) in naive.counts(facts[compound], last).items():
                    already = expected.get(name, (0, 0))
                    expected[name] = (already[0] + within, already[1] + before)
            assert {
                one.figure.name: (one.within, one.before)
                for one in found.statistics.figures
                if one.within or one.before
            } == expected
            assert found.compounds == len(ours)
            untouched = sorted(one for one in ours if naive.untouched(facts[one], last))
            assert list(found.untouched_names) == untouched
            assert found.untouched == len(untouched)
    finally:
        await database.close()
        await connection.close()


def _facts(r: Random, compound: str) -> Iterator[Fact]:
    for number in range(r.randint(0, 40)):
        for one in revisions(r.getrandbits(32), f"{compound}-{number}", [0, 364, 365, 730], ["incident"]):
            yield one._replace(compound=compound)


def _registrations(r: Random, compound: str) -> Iterator[CompoundRevision]:
    for number in range(r.randint(1, 4)):
        one = registration(r.getrandbits(32), number)
        yield one._replace(
            compound=compound,
            event_id=f"{compound}-{one.event_id}",
            # Registered after they were enrolled: before the first revision the first is in force.
            effective_from=r.choice([one.effective_from, FIRST + r.randint(0, 900)]),
            community_id=r.choice(["S0", "S1"]),
            station_id="T",
        )


def _meant(naively: Naive, last: int, company: str | None, community: str | None) -> bool:
    revision = naively.force(last)
    assert revision is not None
    return (
        naively.enrolled(last)
        and company in (None, revision.company_id)
        and community in (None, revision.community_id)
    )


async def _write_registry(connection: Any, revisions: list[CompoundRevision]) -> None:
    rows = [
        CompoundRow(
            RegistryRow(
                one.source, one.event_id, one.root, one.revision, one.effective_from, one.received_us,
                one.fingerprint, one.compound, b"",
            ),
            one.company_id, 0, one.compound, one.community_id, one.station_id,
            None if one.enrolled_on is None else date.fromordinal(one.enrolled_on),
            None if one.withdrawn_on is None else date.fromordinal(one.withdrawn_on),
        )
        for one in revisions
    ]  # fmt: skip
    async with connection.transaction():
        await registry.write(connection, rows, [], [])


async def _write_facts(r: Random, connection: Any, facts: list[Fact]) -> None:
    """In any order, with repeats, in batches as a worker writes them."""
    arriving = facts + r.sample(facts, len(facts) // 5)
    r.shuffle(arriving)
    heads: dict[FactKey, Known] = {}
    last = {0: 0}
    for first in range(0, len(arriving), 60):
        batch = [
            Arrival(fact, 0, first + place, json.dumps({"id": fact.event_id}).encode())
            for place, fact in enumerate(arriving[first : first + 60])
        ]
        plan = Plan()
        judge(plan, batch, heads, lambda body: sha256(json.loads(body)["id"].encode()).digest())
        async with connection.transaction():
            await ledger.write(connection, plan, last)
        heads |= plan.heads
        last[0] += ledger.rows_per_partition(plan).get(0, 0)
