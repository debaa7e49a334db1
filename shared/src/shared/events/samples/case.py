"""What the samples share: one moment, one compound, one invented case."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final
from uuid import NAMESPACE_URL, uuid5
from zoneinfo import ZoneInfo

TIME: Final = datetime(2026, 3, 2, 9, 30, tzinfo=ZoneInfo("Asia/Shanghai"))
DAY: Final = date(2026, 3, 2)
COMPOUND: Final = "C00017"
DIGEST: Final = "5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9"
PICTURE: Final = "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"
INCIDENT_ID: Final = "019cac25-1940-7000-8000-000000000001"


def uuid_of(name: str) -> str:
    """A stable UUID for a thing of the samples."""
    return str(uuid5(NAMESPACE_URL, f"urn:anxing:sample:{name}"))
