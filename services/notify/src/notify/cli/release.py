"""`notify release`: make parked deliveries due again."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from shared.events.topics import DELIVERIES
from shared.runtime.database import Database
from shared.runtime.errors import StartupError

from notify.sealing import Sealer
from notify.settings import Settings
from notify.store.managing import Manager
from notify.store.reading import Reader
from notify.translate import resumed_event


async def release(settings: Settings, endpoint: UUID) -> int:
    """Answers how many; StartupError when the endpoint is unknown or not active."""
    key = settings.notify.encryption_key
    sealer = Sealer.from_setting(key.get_secret_value() if key is not None else None)
    database = await Database.open(settings.database, application_name="notify/release")
    try:
        rows = await Reader(database).endpoints(None, endpoint, None, 1)
        if not rows:
            raise StartupError(f"There is no endpoint {endpoint}: `GET /v1/endpoints` lists them.")
        if rows[0]["state"] != "active":
            raise StartupError(f"The endpoint {endpoint} is {rows[0]['state']}: enable it before releasing.")
        topic = settings.kafka.name_of(DELIVERIES)
        return await Manager(database, sealer, partial(resumed_event, topic=topic)).release(endpoint)
    finally:
        await database.close()
