"""What can be set about notify, beside what every service has."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr
from shared.runtime.migrations import migrations_of
from shared.runtime.settings import Group, HttpSettings, ServiceSettings

from notify.domain.addresses import networks

MIGRATIONS = migrations_of(__file__)

GROUP = "notify"
REGISTRY_GROUP = "notify-registry"


def _networks(texts: tuple[str, ...]) -> tuple[str, ...]:
    try:
        networks(texts)
    except ValueError:
        raise ValueError('must be networks, written as ["10.20.0.0/16"]') from None
    return texts


class NotifySettings(Group):
    """Deliveries."""

    encryption_key: SecretStr | None = Field(
        None,
        description="seals the secrets of receivers: 32 bytes in base64 from `notify keygen`; several "
        "separated by commas while a key is being changed, the new one first",
    )
    allowed_networks: Annotated[tuple[str, ...], AfterValidator(_networks)] = Field(
        (),
        description="networks of our own that receivers may lie in, on any port and over plain HTTP; "
        "all other private addresses are refused",
    )
    allowed_ports: tuple[int, ...] = Field(
        (80, 443, 8080, 8443), description="ports of receivers outside the allowed networks"
    )
    allow_plain_http: bool = Field(
        default=False, description="take http:// URLs of receivers outside the allowed networks"
    )
    files_directory: Path = Field(Path("notices"), description="where the file channel writes its JSON Lines")
    requests_max: int = Field(400, ge=4, le=10_000, description="requests of one process under way at once")
    lease_seconds: float = Field(
        60.0, ge=25, le=600, description="how long a worker that has vanished keeps its lanes from others"
    )


class Settings(ServiceSettings):
    """All settings of the service."""

    http: HttpSettings = HttpSettings(port=8082)
    notify: NotifySettings = NotifySettings()
