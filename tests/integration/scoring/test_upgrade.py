"""An installation older than its statistics has them after the upgrade, counted from all its facts."""

import json
import shutil
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import asyncpg
from scoring.domain.statistics import Period
from scoring.settings import MIGRATIONS
from scoring.store.statistics import Asked, Figures
from shared.runtime.auth import Scope
from shared.runtime.database import Database
from shared.runtime.migrations import migrate
from shared.runtime.settings import DatabaseSettings

from tests.conftest import MakeDatabase
from tests.unit.scoring.rubric_examples import rubric

TODAY = date(2026, 11, 24)
LEDGER = """
INSERT INTO ledger (partition, revision, day, instant_us, received_us, "offset", ledger_seq, withdrawn,
    by_company, compound, root, kind, event_id, source)
VALUES (0, 1, $1, 0, 0, $2, $2, $3, false, 'C1', $4, $5, $4, 'urn:test')
"""
REGISTERED = """
INSERT INTO compound_revision (source, event_id, root, revision, counted, effective_from, received_us,
    fingerprint, compound, company, partition, body)
VALUES ('urn:test', $1, $1, 1, true, $2, 0, ''::bytea, $1, 'P1', 0, $3)
"""


async def test_facts_from_before_are_counted(make_database: MakeDatabase, tmp_path: Path) -> None:
    older = tmp_path / "scoring" / "migrations"
    older.mkdir(parents=True)
    for file in sorted(MIGRATIONS.glob("*.py"))[:2]:
        shutil.copy(file, older)
    url = await make_database(None)
    await migrate(older, url)
    connection = await asyncpg.connect(url)
    burglary = {"code": "010301", "status": "solved", "place": "inside", "case_no": '示例"code":"999999"'}
    await _take_in(connection, 1, 10, "incident.recorded", burglary)
    await _take_in(connection, 2, 400, "incident.recorded", {"code": "080101", "status": "accepted"})
    await _take_in(connection, 3, 20, "fact.withdrawn", {"reason": "误报"})
    await _take_in(connection, 4, 20, "volunteers.logged", {"active": 4})
    enrolled = {"name": "试验小区", "community_id": "S1", "station_id": "T1", "enrolled_on": "2024-01-01"}
    await _register(connection, "C1", enrolled)
    await _register(connection, "C2", enrolled | {"withdrawn_on": "2025-01-01"})
    await migrate(MIGRATIONS, url)
    rows = await connection.fetch("SELECT ledger_seq, day, compound, alike FROM incident ORDER BY ledger_seq")
    assert [tuple(row) for row in rows] == [
        (1, TODAY - timedelta(days=10), "C1", "010301 solved inside"),
        (2, TODAY - timedelta(days=400), "C1", "080101 accepted unknown"),
    ]
    await connection.close()
    database = await Database.open(DatabaseSettings(url=url), application_name="test")
    try:
        period = Period(TODAY.toordinal() - 1)
        found = await Figures(database, rubric()).read(
            Scope(everything=True), Asked("P1", "S1", "T1"), period, 10
        )
        assert (found.compounds, found.untouched) == (1, 0)
        calls = found.statistics.figures[0]
        assert (calls.figure.name, calls.within, calls.before) == ("calls", 1, 1)
    finally:
        await database.close()


async def _take_in(connection: Any, number: int, ago: int, kind: str, data: dict[str, Any]) -> None:
    day, withdrawn = TODAY - timedelta(days=ago), kind == "fact.withdrawn"
    await connection.execute(LEDGER, day, number, withdrawn, f"f{number}", kind)
    body = json.dumps({"subject": "C1", "data": data}, ensure_ascii=False).encode()
    await connection.execute("INSERT INTO ledger_body VALUES (0, $1, $2)", number, body)


async def _register(connection: Any, compound: str, data: dict[str, Any]) -> None:
    body = json.dumps({"subject": compound, "data": data}, ensure_ascii=False).encode()
    await connection.execute(REGISTERED, compound, date(2024, 1, 1), body)
