"""What can be set of scoring; the defaults fit one laptop and a district."""

from __future__ import annotations

from pydantic import Field
from shared.runtime.migrations import migrations_of
from shared.runtime.settings import Group, HttpSettings, ServiceSettings

MIGRATIONS = migrations_of(__file__)

GROUP = "scoring"
REGISTRY_GROUP = "scoring-registry"


class FoldSettings(Group):
    """How facts become scores."""

    rubric: str = Field("shangyu-v1", min_length=1, max_length=64, description="the active rubric")
    batch_records_max: int = Field(
        10_000, ge=1, le=50_000, description="facts in one transaction, when so many wait"
    )
    cached_compounds: int = Field(20_000, ge=0, le=5_000_000, description="compounds kept in memory")
    whole_compounds: int = Field(
        500, ge=0, le=100_000, description="of them, kept with all their facts: late ones cost less then"
    )
    freeze_after_batches: int = Field(
        3,
        ge=0,
        le=1_000_000,
        description="batches after which cyclic garbage collection is frozen; 0: never, a fifth slower",
    )


class DaySettings(Group):
    """When a day is closed, and what must agree before."""

    close_after_minutes: int = Field(30, ge=0, le=720, description="after local midnight")
    clock_tolerance_seconds: float = Field(
        30.0, gt=0, le=3600, description="by which database and process clock may differ"
    )
    ahead_of_news_max: int = Field(
        1, ge=0, le=30, description="days that may close beyond the newest receivedtime seen"
    )


class WorkSettings(Group):
    """Work that is not a fact."""

    chunk: int = Field(200, ge=1, le=10_000, description="compounds in one transaction")
    refold_every_seconds: float = Field(5.0, ge=0, le=3600, description="per compound, at most")
    refold_patience_seconds: float = Field(
        60.0, ge=0, le=86_400, description="after which a refold no longer waits for the end of the log"
    )
    unassigned_after_seconds: float = Field(
        600.0, ge=0, le=86_400, description="until a fact without a known compound is reported"
    )


class ScoringSettings(ServiceSettings):
    """All settings of scoring."""

    http: HttpSettings = HttpSettings(port=8081)
    fold: FoldSettings = FoldSettings()
    days: DaySettings = DaySettings()
    work: WorkSettings = WorkSettings()
