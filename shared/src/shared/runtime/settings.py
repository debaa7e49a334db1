"""What can be set, with defaults that fit one laptop.

Every setting is an environment variable `ANXING_<GROUP>__<NAME>`. A secret may stand in a file instead: the
same variable with `_FILE` at its end names the file (`ANXING_DATABASE__URL_FILE=/run/secrets/database_url`),
as the official images of PostgreSQL have it. The variable itself wins over the file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from shared.events.topics import Topic
from shared.runtime.errors import StartupError

PREFIX = "ANXING_"
FILE_SUFFIX = "_FILE"

# A secret file is a line, not a document; more than this is a wrong path.
SECRET_BYTES_MAX = 64 * 1024


def _postgres_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != "postgresql" or not parts.hostname or not parts.path.strip("/"):
        raise ValueError("must be postgresql://user:password@host:port/database")
    return url


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("must be a time zone such as Asia/Shanghai") from error
    return name


PostgresUrl = Annotated[str, AfterValidator(_postgres_url)]
ZoneName = Annotated[str, AfterValidator(_zone)]


class Group(BaseModel):
    """A group of settings; a name that does not exist in it is refused, because it is a typing error."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class KafkaSettings(Group):
    """The broker and the topics; equal in all services of one installation."""

    bootstrap: str = Field(
        "127.0.0.1:9092", min_length=3, description="host:port of brokers, comma separated"
    )
    partitions: int = Field(12, ge=1, le=1024, description="of facts, outcomes and deliveries; chosen once")
    replication: int = Field(1, ge=1, le=9, description="copies of each topic; 3 on a cluster")
    min_insync: int = Field(1, ge=1, le=9, description="copies that must have a record before it counts")
    topic_prefix: str = Field(
        "",
        pattern=r"^[A-Za-z0-9._-]{0,64}$",
        description="before every topic and group: installations may share a cluster",
    )
    session_timeout_ms: int = Field(
        10_000, ge=1_000, le=300_000, description="silence after which a worker loses its partitions"
    )
    publish_deadline_seconds: float = Field(
        5.0,
        gt=0,
        le=120,
        description="until a publish counts as failed; an idempotent producer never gives up",
    )
    connect_deadline_seconds: float = Field(
        15.0, gt=0, le=600, description="how long a start waits for the broker"
    )

    def name_of(self, topic: Topic) -> str:
        """The topic's name in this installation."""
        return self.topic_prefix + topic.name

    def group(self, name: str) -> str:
        """The consumer group's name in this installation."""
        return self.topic_prefix + name


class DatabaseSettings(Group):
    """The service's own database."""

    url: PostgresUrl = Field(repr=False, description="postgresql://user:password@host:port/database")
    pool_max: int = Field(8, ge=1, le=200, description="connections of one process for its hot paths")
    engine_max: int = Field(4, ge=1, le=200, description="connections of one process for HTTP reads")
    command_timeout_seconds: float = Field(30.0, gt=0, le=3600, description="until a statement is given up")
    connect_deadline_seconds: float = Field(
        15.0, gt=0, le=600, description="how long a start waits for the server"
    )


class HttpSettings(Group):
    """Where the service listens."""

    host: str = Field("127.0.0.1", min_length=1, description="address to listen on; 0.0.0.0 in a container")
    port: int = Field(8080, ge=0, le=65_535, description="0 takes a free one")


class LogSettings(Group):
    """What is written to standard error, and how."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="least severe that is shown"
    )
    format: Literal["auto", "json", "console"] = Field("auto", description="auto: console in a terminal")


class _FileSource(EnvSettingsSource):
    """Values from files named by `<VARIABLE>_FILE`, seen by the rest as if they were variables."""

    def __init__(self, settings_cls: type[BaseSettings]) -> None:
        super().__init__(settings_cls)
        prefix, suffix = PREFIX.lower(), FILE_SUFFIX.lower()
        self.env_vars: Mapping[str, str | None] = {
            name[: -len(suffix)]: _secret(name, path)
            for name, path in self.env_vars.items()
            if name.startswith(prefix) and name.endswith(suffix) and path
        }


class _VariableSource(EnvSettingsSource):
    """The environment without the variables that only name files."""

    def __init__(self, settings_cls: type[BaseSettings]) -> None:
        super().__init__(settings_cls)
        suffix = FILE_SUFFIX.lower()
        self.env_vars: Mapping[str, str | None] = {
            name: value for name, value in self.env_vars.items() if not name.endswith(suffix)
        }


def _secret(name: str, path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            return file.read(SECRET_BYTES_MAX).decode().strip()
    except (OSError, ValueError) as error:
        raise StartupError(f"{name.upper()} must name a readable text file that holds the value.") from error


class ClientSettings(BaseSettings):
    """What a program needs that only talks to Kafka."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        nested_model_default_partial_update=True,
    )

    kafka: KafkaSettings = KafkaSettings()
    log: LogSettings = LogSettings()
    timezone: ZoneName = Field("Asia/Shanghai", description="days of facts and closings are days there")
    clock_offset_seconds: float = Field(0.0, description="shifts the service's clock; for rehearsals only")

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Given values, then variables, then files."""
        del env_settings, dotenv_settings, file_secret_settings
        return init_settings, _VariableSource(settings_cls), _FileSource(settings_cls)


class ServiceSettings(ClientSettings):
    """What every service has; each adds its own groups and its default port."""

    database: DatabaseSettings
    http: HttpSettings = HttpSettings()
    shutdown_seconds: float = Field(
        10.0, gt=0, le=600, description="from SIGTERM to the end: requests, then producer and connections"
    )


SettingsT = TypeVar("SettingsT", bound=BaseSettings)


def load(cls: type[SettingsT], **overrides: Any) -> SettingsT:
    """Read the settings of a service from its surroundings; `overrides` win.

    Raises StartupError with one sentence that names the first wrong variable and what it must be. Values are
    never repeated: a password belongs in no log.
    """
    try:
        return cls(**overrides)
    except ValidationError as error:
        raise StartupError(_sentence(cls, error.errors(include_url=False, include_input=False)[0])) from None


def _sentence(cls: type[BaseModel], problem: ErrorDetails) -> str:
    path = [str(part) for part in problem["loc"]]
    if problem["type"] == "missing":
        variable = _variable([*path, *_needed_within(cls, path)])
        return f"{variable} is not set: set it, or {variable}{FILE_SUFFIX} to a file that holds it."
    variable = _variable(path)
    if problem["type"] == "extra_forbidden":
        return f"{variable} is no setting of this service: see .env.example for the names."
    what = re.sub(r"^(?:Value error, )?(?:\w+ should )?", "", problem["msg"])
    return f"{variable} {what if what.startswith('must ') else f'must {what}'}."


def _variable(path: Sequence[str]) -> str:
    return PREFIX + "__".join(path).upper()


def _needed_within(cls: type[BaseModel], path: Sequence[str]) -> list[str]:
    """The setting that a missing group lacks: nobody sets a group as such."""
    fields = cls.model_fields
    for part in path:
        annotation = fields[part].annotation if part in fields else None
        if not isinstance(annotation, type) or not issubclass(annotation, BaseModel):
            return []
        fields = annotation.model_fields
    return [name for name, field in fields.items() if field.is_required()][:1]
