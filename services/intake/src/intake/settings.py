"""What can be set for intake."""

from __future__ import annotations

from pydantic import Field
from shared.runtime.settings import DatabaseSettings, Group, HttpSettings, ServiceSettings


class DoorSettings(Group):
    """Bounds of `POST /v1/events`."""

    requests_max: int = Field(1_024, ge=1, le=100_000, description="requests under way; more get 503 at once")
    batches_max: int = Field(
        8, ge=1, le=1_000, description="batches carried at once; more wait their turn, so that none is late"
    )
    bytes_max: int = Field(
        64 * 1024 * 1024, ge=1_048_576, description="bytes of bodies under way; more get 503 at once"
    )
    publish_seconds: float = Field(
        4.5,
        gt=0,
        le=60,
        description="for the acknowledgement of an event; with the rest of the answer below 5 s",
    )
    busy_wait_seconds: float = Field(
        3.0, gt=0, le=60, description="how long a second post of an id waits for the first"
    )
    reserved_seconds: float = Field(
        15.0, gt=0, le=3_600, description="until an id that was not completed may be taken over"
    )
    body_seconds: float = Field(30.0, gt=0, le=600, description="for a whole body")
    first_byte_seconds: float = Field(5.0, gt=0, le=600, description="until the body begins")
    stall_seconds: float = Field(10.0, gt=0, le=600, description="between two parts of a body")
    device_burst: int = Field(
        20, ge=1, le=100_000, description="requests of a device at once; more get 429, a batch is one request"
    )
    device_per_second: float = Field(
        5.0, gt=0, le=100_000, description="requests of a device that come back to it each second"
    )
    device_reserve: int = Field(
        2_000, ge=0, le=1_000_000, description="further requests of a device that was offline for long"
    )
    device_reserve_hours: float = Field(
        8.0, gt=0, le=1_000, description="until an empty reserve is full again"
    )
    devices_max: int = Field(
        100_000, ge=1, le=10_000_000, description="devices remembered; the longest silent are forgotten"
    )
    rate_every_key: bool = Field(
        default=False, description="keys without a device have the rates of one each, too"
    )


class IntakeSettings(ServiceSettings):
    """All settings of intake."""

    http: HttpSettings = HttpSettings(port=8080)
    door: DoorSettings = DoorSettings()
    clock_seconds: float = Field(
        60.0, gt=0, le=3_600, description="how often the time is published for a quiet system"
    )


class KeySettings(ServiceSettings):
    """What the verbs about keys need: Kafka, and no database."""

    database: DatabaseSettings | None = None  # type: ignore[assignment]  # not needed, so not asked for
