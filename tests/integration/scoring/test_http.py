"""Who may see what, and how lists are asked for."""

from shared.events.access import AccessScope

from tests.eventually import eventually
from tests.integration.scoring.stage import Stage, issue


async def test_scope_lists_and_errors(stage: Stage) -> None:
    for number in range(5):
        await stage.register(
            f"C{number}", name=f"小区{number}", community_id=f"S{number % 2}", company_id=f"P{number}"
        )
    community = await issue(stage, AccessScope(communities=("S0",)))
    single = await issue(stage, AccessScope(compounds=("C3",)))
    async with stage.service() as client:
        await stage.at_rest(client)
        await stage.facts([stage.fact("C4", "incident.recorded", {"code": "010301", "status": "filed"})])
        await stage.at_rest(client)

        async def ids(query: str = "", key: str | None = None) -> list[str]:
            headers = {} if key is None else {"Authorization": f"Bearer {key}"}
            answer = await client.get(f"/v1/compounds{query}", headers=headers)
            assert answer.status_code == 200, answer.text
            return [one["id"] for one in answer.json()["items"]]

        assert await ids() == ["C0", "C1", "C2", "C3", "C4"]
        assert await ids(key=community) == ["C0", "C2", "C4"]
        assert await ids(key=single) == ["C3"]
        assert (await ids("?sort=score"))[0] == "C4"
        assert (await ids("?sort=-score"))[-1] == "C4"
        assert await ids("?company=P2") == ["C2"]
        assert await ids("?name=%E5%B0%8F%E5%8C%BA1") == ["C1"]
        page = (await client.get("/v1/compounds?limit=2")).json()
        assert (page["total"], [one["id"] for one in page["items"]]) == (5, ["C0", "C1"])
        assert await ids(f"?limit=2&after={page['next']}") == ["C2", "C3"]
        for path, status, code in (
            ("/v1/compounds/nobody", 404, "not_found"),
            ("/v1/compounds/nobody/score", 404, "not_found"),
            ("/v1/compounds?sort=wrong", 422, "unknown_order"),
            ("/v1/compounds?after=x", 422, "unknown_page"),
            ("/v1/compounds/C1/score?day=2036-01-01", 422, "day_too_far"),
            ("/v1/compounds/C1/score?day=nonsense", 400, "invalid_request"),
        ):
            answer = await client.get(path)
            assert (answer.status_code, answer.json()["type"]) == (status, f"urn:anxing:problem:{code}"), path
            assert answer.headers["content-type"] == "application/problem+json"
        hidden = await client.get("/v1/compounds/C1", headers={"Authorization": f"Bearer {single}"})
        assert hidden.status_code == 403
        assert (await client.get("/v1/compounds", headers={"Authorization": "Bearer no"})).status_code == 401
        ahead = (await client.get("/v1/compounds/C4/score?day=2027-09-01")).json()
        assert ahead["closed"] is False
        assert ahead["items"]["D1"] > (await client.get("/v1/compounds/C4/score")).json()["items"]["D1"]
        why = (await client.get("/v1/compounds/C4/explain")).json()
        assert why["score"] == (await client.get("/v1/compounds/C4/score")).json()
        burglary = next(one for one in why["items"] if one["code"] == "D1")["costs"][0]
        assert (burglary["kind"], burglary["points_milli"]) == ("incident.recorded", 5_000)
        assert burglary["lighter_on"] > why["score"]["day"]
        assert (await client.get("/openapi.json")).status_code == 200
        await eventually(lambda: _ready(client))


async def _ready(client) -> bool:  # type: ignore[no-untyped-def]
    return (await client.get("/readyz")).status_code == 200
