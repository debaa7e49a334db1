from zoneinfo import ZoneInfo

import pytest
from intake.translate.offers import Offers

from tests.unit.intake.events import KAFKA, ZONE_NAME


@pytest.fixture(scope="session")
def offers() -> Offers:
    return Offers(KAFKA, ZoneInfo(ZONE_NAME))
