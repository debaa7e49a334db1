"""What `anxing` itself can be told: servers to use instead of its own, and the shape of the topics."""

from pydantic import BaseModel, ConfigDict, Field
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from shared.runtime.settings import KafkaSettings, PostgresUrl, ServiceSettings


class PostgresSettings(BaseModel):
    """The server on which roles and databases of the three services are made."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: PostgresUrl | None = Field(
        None, repr=False, description="a server on which three roles and databases may be made; else our own"
    )


class InstallationSettings(BaseSettings):
    """Read by `anxing up`, `demo` and `topics`; services get theirs from it through their environment."""

    model_config = ServiceSettings.model_config

    kafka: KafkaSettings = KafkaSettings()
    postgres: PostgresSettings = PostgresSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """As services: given values, then variables, then files named by variables."""
        return ServiceSettings.settings_customise_sources(
            settings_cls, init_settings, env_settings, dotenv_settings, file_secret_settings
        )

    @property
    def given_kafka(self) -> str | None:
        """The address of a Kafka that was given, None when ours is to be used."""
        given = "kafka" in self.model_fields_set and "bootstrap" in self.kafka.model_fields_set
        return self.kafka.bootstrap if given else None
