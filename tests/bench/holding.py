"""Compounds in memory as the service holds them, and what they weigh: `holding FACTS_TOPIC COMPOUNDS`."""

from __future__ import annotations

import asyncio
import gc
import json
import sys

import psutil
from scoring.domain.rubric import parse
from scoring.handlers.fold import Folds
from scoring.handlers.memory import Compounds
from scoring.settings import ScoringSettings
from scoring.store.archive import DatabaseArchive
from scoring.store.books import StoredBooks
from scoring.store.rubrics import packaged
from shared.runtime.clock import SystemClock
from shared.runtime.database import Database
from shared.runtime.settings import load

from tests.bench import traffic

CHUNK = 250


async def main(facts_topic: str, compounds: int) -> None:
    settings = load(ScoringSettings)
    database = await Database.open(settings.database, application_name="holding")
    rubric = parse(packaged()[settings.fold.rubric])
    archive = DatabaseArchive(database, settings, SystemClock(), facts_topic, rubric.name)
    folds = Folds(archive, Compounds(compounds, 0), rubric, StoredBooks())
    ids = traffic.compound_ids(compounds)
    # The first ones pay for what is there once.
    await folds.held(dict.fromkeys(ids[:CHUNK], 0))
    before = _resident()
    for first in range(CHUNK, compounds, CHUNK):
        await folds.held(dict.fromkeys(ids[first : first + CHUNK], 0))
    held = compounds - CHUNK
    print(json.dumps({"compounds": held, "bytes": round((_resident() - before) / held)}))
    await database.close()


def _resident() -> int:
    gc.collect()
    size: int = psutil.Process().memory_info().rss
    return size


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
