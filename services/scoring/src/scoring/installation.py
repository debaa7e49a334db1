"""What is chosen once for an installation: another partition count or time zone would be another history."""

from __future__ import annotations

from shared.runtime.database import Database
from shared.runtime.errors import StartupError

from scoring.settings import ScoringSettings


async def check_installation(database: Database, settings: ScoringSettings) -> None:
    """Note the choices of a new database; StartupError when the settings differ from an old one's."""
    async with database.transaction() as tx:
        await tx.execute(
            "INSERT INTO installation (partitions, timezone) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            settings.kafka.partitions,
            settings.timezone,
        )
        chosen = await tx.fetchrow("SELECT partitions, timezone FROM installation")
    assert chosen is not None
    partitions, timezone = chosen
    if partitions != settings.kafka.partitions:
        raise StartupError(
            f"The database of scoring was filled with {partitions} partitions but ANXING_KAFKA__PARTITIONS "
            f"asks for {settings.kafka.partitions}: set it back, a change of the count is a migration."
        )
    if timezone != settings.timezone:
        raise StartupError(
            f"The database of scoring was filled with days of {timezone} but ANXING_TIMEZONE asks for "
            f"{settings.timezone}: set it back, because every day would be another."
        )
