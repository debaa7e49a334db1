"""Settings: where values come from, and what a wrong one says."""

import pytest
from pydantic import Field
from shared.events.topics import FACTS
from shared.runtime.errors import StartupError
from shared.runtime.settings import ClientSettings, Group, HttpSettings, KafkaSettings, ServiceSettings, load

URL = "postgresql://anna:geheim@db:5433/scoring"


class WorkSettings(Group):
    chunk: int = Field(200, ge=1, description="rows at once")


class ExampleSettings(ServiceSettings):
    http: HttpSettings = HttpSettings(port=8099)
    work: WorkSettings = WorkSettings()


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANXING_DATABASE__URL", URL)


def refusal() -> str:
    with pytest.raises(StartupError) as error:
        load(ExampleSettings)
    sentence = error.value.sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return sentence


def test_variables_fill_groups_and_leave_other_defaults(monkeypatch):
    monkeypatch.setenv("ANXING_KAFKA__BOOTSTRAP", "kafka:9092")
    monkeypatch.setenv("ANXING_WORK__CHUNK", "7")
    monkeypatch.setenv("ANXING_HTTP__HOST", "0.0.0.0")

    settings = load(ExampleSettings)

    assert settings.kafka.bootstrap == "kafka:9092"
    assert settings.kafka.partitions == 12
    assert settings.work.chunk == 7
    assert (settings.http.host, settings.http.port) == ("0.0.0.0", 8099)
    assert settings.zone.key == "Asia/Shanghai"


def test_given_values_win_over_variables(monkeypatch):
    monkeypatch.setenv("ANXING_WORK__CHUNK", "7")

    assert load(ExampleSettings, work=WorkSettings(chunk=9)).work.chunk == 9


def test_a_file_holds_a_secret(monkeypatch, tmp_path):
    secret = tmp_path / "url"
    secret.write_text("postgresql://anna:other@db/scoring\n")
    monkeypatch.setenv("ANXING_DATABASE__URL_FILE", str(secret))

    assert load(ExampleSettings).database.url == URL, "the variable itself wins"

    monkeypatch.delenv("ANXING_DATABASE__URL")

    assert load(ExampleSettings).database.url == "postgresql://anna:other@db/scoring"


def test_a_missing_file_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("ANXING_DATABASE__URL_FILE", str(tmp_path / "none"))

    assert refusal().startswith("ANXING_DATABASE__URL_FILE must name a readable text file")


def test_a_missing_setting_is_named(monkeypatch):
    monkeypatch.delenv("ANXING_DATABASE__URL")

    assert refusal().startswith("ANXING_DATABASE__URL is not set: set it, or ANXING_DATABASE__URL_FILE")


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        (
            "ANXING_KAFKA__PARTITIONS",
            "geheim",
            "ANXING_KAFKA__PARTITIONS must be a valid integer, unable to parse string as an integer.",
        ),
        ("ANXING_KAFKA__PARTITIONS", "0", "ANXING_KAFKA__PARTITIONS must be greater than or equal to 1."),
        (
            "ANXING_DATABASE__URL",
            "mysql://anna:geheim@db/x",
            "ANXING_DATABASE__URL must be postgresql://user:password@host:port/database.",
        ),
        ("ANXING_TIMEZONE", "Mars/geheim", "ANXING_TIMEZONE must be a time zone such as Asia/Shanghai."),
        (
            "ANXING_LOG__LEVEL",
            "geheim",
            "ANXING_LOG__LEVEL must be 'debug', 'info', 'warning' or 'error'.",
        ),
        (
            "ANXING_WORK__CHUNKS",
            "7",
            "ANXING_WORK__CHUNKS is no setting of this service: see .env.example for the names.",
        ),
        ("ANXING_KAFKA__TOPIC_PREFIX", "ge heim", "ANXING_KAFKA__TOPIC_PREFIX must match pattern"),
    ],
)
def test_a_wrong_setting_is_named_and_not_repeated(monkeypatch, variable, value, sentence):
    monkeypatch.setenv(variable, value)

    said = refusal()

    assert said.startswith(sentence)
    assert "geheim" not in said


def test_groups_of_other_services_do_not_matter(monkeypatch):
    monkeypatch.setenv("ANXING_DOOR__REQUESTS_MAX", "1")

    assert load(ExampleSettings).work.chunk == 200


def test_a_program_that_only_talks_to_kafka_needs_no_database(monkeypatch):
    monkeypatch.delenv("ANXING_DATABASE__URL")

    assert load(ClientSettings).kafka.partitions == 12


def test_a_password_is_not_shown():
    assert "geheim" not in repr(load(ExampleSettings))


def test_the_prefix_of_an_installation_is_on_topics_and_groups():
    settings = KafkaSettings(topic_prefix="north.")

    assert settings.name_of(FACTS) == "north.anxing.facts.v1"
    assert settings.group("scoring") == "north.scoring"
