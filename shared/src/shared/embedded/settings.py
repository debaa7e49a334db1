"""What `anxing` itself can be told: servers to use instead of its own, and the shape of the topics."""

import os

from pydantic import BaseModel, ConfigDict, Field

from shared.runtime.settings import FILE_SUFFIX, PREFIX, ClientSettings, PostgresUrl

KAFKA_VARIABLE = f"{PREFIX}KAFKA__BOOTSTRAP"


class PostgresSettings(BaseModel):
    """The server on which roles and databases of the three services are made."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: PostgresUrl | None = Field(
        None, repr=False, description="a server on which three roles and databases may be made; else our own"
    )


class InstallationSettings(ClientSettings):
    """Read by `anxing up`, `demo` and `topics`; services get theirs from it through their environment."""

    postgres: PostgresSettings = PostgresSettings()

    @property
    def given_kafka(self) -> str | None:
        """The address of a Kafka that was given, None when ours is to be used.

        Asked of the environment: beside any other setting of its group the address has its default.
        """
        given = KAFKA_VARIABLE in os.environ or KAFKA_VARIABLE + FILE_SUFFIX in os.environ
        return self.kafka.bootstrap if given else None
