"""Every example of the rubric through HTTP, Kafka, PostgreSQL and HTTP gives the score of the pure domain."""

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from shared.demo.event import Event
from shared.demo.reading import Reading
from shared.demo.sender import Sender
from shared.embedded.system import RunningSystem

EXAMPLES = Path(__file__).parents[1] / "unit" / "scoring" / "rubric-examples.json"
CASES: list[dict[str, Any]] = [
    case for case in json.loads(EXAMPLES.read_text()) if not case.get("domain_only")
]
COMPARED = ("score_milli", "items", "categories", "bonus_milli", "unverified")


def events(case: dict[str, Any]) -> Iterator[Event]:
    """The registry revisions and facts of an example, ready to be posted."""
    for number, revision in enumerate(case["registry"]):
        yield ready(
            {
                "specversion": "1.0",
                "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{case['compound']}/{number}")),
                "source": "urn:anxing:examples",
                "type": "anxing.compound.registered.v1",
                "subject": case["compound"],
                "time": f"{revision['effective_from']}T00:00:00+08:00",
                "datacontenttype": "application/json",
                "data": revision,
            }
        )
    for fact in case["facts"]:
        yield ready(fact)


def ready(event: dict[str, Any]) -> Event:
    return Event(
        source=event["source"],
        id=event["id"],
        type=event["type"],
        subject=event["subject"],
        time=datetime.fromisoformat(event["time"]).astimezone(UTC),
        raw=msgspec.json.encode(event),
    )


@pytest.mark.timeout(300)
async def test_scores_equal_the_examples(system: RunningSystem) -> None:
    run = system.run
    async with (
        Sender(run.intake, run.credential) as sender,
        Reading(run.scoring, run.notify, run.credential) as reading,
        aiohttp.ClientSession(
            run.scoring, headers={"Authorization": f"Bearer {run.credential}"}, raise_for_status=True
        ) as scoring,
    ):
        for case in CASES:
            await sender.send(events(case))
        assert [(refusal.event.raw, refusal.problem) for refusal in sender.refused] == []
        await reading.rest(120)
        wrong = []
        for case in CASES:
            for expected in case["expected"]:
                place = f"/v1/compounds/{case['compound']}/score?day={expected['day']}"
                async with scoring.get(place) as answer:
                    found = await answer.json()
                wrong += [
                    (case["name"], expected["day"], name, expected[name], found[name])
                    for name in COMPARED
                    if name in expected and expected[name] != found[name]
                ]
        assert wrong == []
