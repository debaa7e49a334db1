"""Notify reads what comes of it all, while it happens; at the end its tables are held against the topic."""

import contextlib
import json
import sys
from collections import Counter
from pathlib import Path

from shared.events.topics import OUTCOMES
from shared.runtime.settings import KafkaSettings

from tests.eventually import eventually
from tests.faults.arena import Sql
from tests.faults.crew import Crew
from tests.faults.findings import Findings
from tests.faults.reading import Row, Told, ends
from tests.integration.runtime.audit import effective, sequence

REST_SECONDS_MAX = 120.0
TABLES = ("inbox_event", "source_position", "decision", "parked")


class Listener:
    """One notify process on a database of its own; nobody kills it, but its servers go away and come back."""

    def __init__(self, kafka: KafkaSettings, url: str, folder: Path) -> None:
        folder.mkdir()
        given = {"kafka": kafka.model_dump(), "url": url}
        self.crew = Crew([sys.executable, "-m", "tests.faults.notify_worker"], given, folder)
        self._sql = Sql(url)
        self._outcomes = kafka.name_of(OUTCOMES)
        self.troubles: list[str] = []

    def start(self) -> None:
        self.crew.start()

    async def hear_out(self, outcomes: list[Told]) -> dict[str, list[Row]]:
        """Wait until everything is read; answers the tables, whatever they hold by then."""
        wanted = ends(outcomes)

        async def read() -> bool:
            if self.crew.ended():
                self.troubles.append("notify ended by itself")
            if self.troubles:
                return True
            rows = await self._sql.fetch(
                "SELECT partition, next_offset FROM input_cursor WHERE topic = $1", self._outcomes
            )
            return wanted.items() <= {row[0]: row[1] for row in rows}.items()

        with contextlib.suppress(AssertionError):
            await eventually(read, REST_SECONDS_MAX, every=0.5)
        return {
            table: [dict(row) for row in await self._sql.fetch(f"SELECT * FROM {table}")] for table in TABLES
        }

    async def close(self) -> Counter[str]:
        """Let it finish; answers what it logged."""
        await self.crew.dismiss()
        await self._sql.close()
        return self.crew.events()


def judge_notified(outcomes: list[Told], tables: dict[str, list[Row]], findings: Findings) -> None:
    """Each outcome taken over once, its last sequence known, a decision for each organisation it names."""
    kept: list[Told] = effective(outcomes)
    events = [json.loads(one.value or b"") for one in kept]
    findings.compare(
        "outcome read by notify",
        [event["id"] for event in events],
        [str(row["event_id"]) for row in tables["inbox_event"]],
    )
    last = {one.partition: sequence(one) for one in kept}
    findings.compare(
        "last sequence that notify has read",
        [(partition, *position) for partition, position in last.items()],
        [(row["partition"], row["incarnation"], row["sequence"]) for row in tables["source_position"]],
    )
    named = {
        (event["id"], f"{kind}:{organisation}")
        for event in events
        for kind, organisation in event["data"]["relations"].items()
        if organisation
    }
    decided = Counter((str(row["outcome_id"]), row["recipient_id"]) for row in tables["decision"])
    findings.lost += [f"decision about {one} for {who}" for one, who in sorted(named - decided.keys())]
    findings.repeated += [f"decision about {one}" for one, times in decided.items() if times > 1]
    ids = {event["id"] for event in events}
    findings.differences += [
        f"decision about {one}, which nobody told" for one, _ in decided if one not in ids
    ]
    findings.equal("records that notify has parked", 0, len(tables["parked"]))
