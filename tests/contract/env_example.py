"""Writes `.env.example` from the settings of the three services: `python -m tests.contract.env_example`."""

from pathlib import Path

from intake.settings import IntakeSettings
from notify.settings import Settings as NotifySettings
from scoring.settings import ScoringSettings
from shared.runtime.settings_doc import render_env

FILE = Path(__file__).parents[2] / ".env.example"

# Read by `anxing up` and the tests, not by a service.
OTHERS = [
    (
        "ANXING_POSTGRES__URL",
        "a PostgreSQL on which the three roles and databases may be created; without it one is started",
    ),
    ("ANXING_DATA", "the data directory; without it .anxing in the current directory"),
    ("ANXING_MAVEN_REPOSITORY", "where Kafka's jars come from once; without it Maven Central"),
]


def render() -> str:
    services = {"intake": IntakeSettings, "scoring": ScoringSettings, "notify": NotifySettings}
    return render_env(services, others=OTHERS)


if __name__ == "__main__":
    FILE.write_text(render(), encoding="utf-8")
