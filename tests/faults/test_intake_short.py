"""Intake is hurt for half a minute, and the reader of its own sees whatever is lost, doubled or changed."""

import json
from copy import deepcopy

import pytest
from shared.embedded.servers import Servers

from tests.databases import Databases
from tests.faults.intake_damage import DAMAGE
from tests.faults.intake_field import Rhythm
from tests.faults.intake_reading import Reading
from tests.faults.intake_run import Run, run
from tests.faults.intake_strikes import KAFKA, Pace
from tests.faults.intake_verdict import judge

# Half a minute of faults, two starts of everything, and whatever Kafka takes to come back.
pytestmark = pytest.mark.timeout(400)
SECONDS = 30.0
# For what is damaged later there must be something that no fault excuses.
CALM_SECONDS = 7.0
SEED = 5
SHORT = Pace(
    deaths=(2.0, 4.0),
    freezes=(2.0, 4.0),
    cuts=(0.2, 0.6),
    clocks=(2.0, 4.0),
    postgres=(9.0, 10.0),
    # Once: whatever follows ends the run.
    kafka=(11.0, 12.0),
)


@pytest.fixture(scope="module")
async def hurt(own: Servers, tmp_path_factory: pytest.TempPathFactory) -> Run:
    databases = Databases(own.postgres)
    url = await databases.make("intake")
    folder = tmp_path_factory.mktemp("run")
    done = await run(
        own,
        url,
        folder,
        seed=SEED,
        seconds=SECONDS,
        pace=SHORT,
        rhythm=Rhythm(devices=20, pause=(0.2, 0.6)),
        calm_seconds=CALM_SECONDS,
    )
    await databases.remove_all()
    return done


def test_what_was_answered_is_stored_once(hurt: Run) -> None:
    print(json.dumps(hurt.figures))
    assert hurt.clean, "\n".join([str(hurt.findings), *hurt.troubles])
    faults = hurt.figures["faults"]
    assert faults[KAFKA] >= 1
    assert sum(1 for count in faults.values() if count) >= 8, faults


@pytest.mark.parametrize("damage", DAMAGE)
def test_the_reader_sees(damage: str, hurt: Run) -> None:
    book = deepcopy(hurt.book)
    rows, told = dict(hurt.reading.rows), deepcopy(hurt.reading.told)
    reading = Reading([*hurt.reading.records], rows, told)
    DAMAGE[damage](book, reading)
    findings, _ = judge(book, reading)
    assert not findings.clean
    if damage.endswith("lost"):
        assert findings.lost
    if damage.endswith("doubled"):
        assert findings.repeated
