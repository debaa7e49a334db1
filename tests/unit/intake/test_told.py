"""What a sender is told about keys and corrections stands on the operating page, with status and pointer."""

import re
from pathlib import Path

import pytest
from intake.domain import heads, permits
from intake.domain.heads import Correction, Head, judge_correction
from intake.domain.verdicts import Refusal

PAGE = Path(__file__).parents[3] / "shared" / "docs" / "operating.md"
STALE = judge_correction(
    Head(3, "e3", "S1", 1, "incident.recorded"),
    Correction("e4", 2, "S1", 1, "incident.recorded", withdraws=False),
)
REFUSALS = [
    value for module in (permits, heads) for value in vars(module).values() if isinstance(value, Refusal)
] + [STALE]


def rows() -> dict[str, str]:
    """Code -> the cell with status and pointer."""
    page = PAGE.read_text(encoding="utf-8").partition("### What a sender is told")[2].partition("\n## ")[0]
    found: dict[str, str] = {}
    for line in page.splitlines():
        cells = line.split(" | ")
        if len(cells) == 4:
            found |= dict.fromkeys(re.findall(r"`(\w+)`", cells[0]), cells[1])
    return found


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.code)
def test_every_refusal_is_told(refusal: Refusal) -> None:
    cell = rows()[refusal.code]
    assert cell.startswith(str(refusal.grounds.value)), cell
    assert refusal.faults
    for fault in refusal.faults:
        assert f"`{fault.pointer}`" in cell
        assert fault.code == refusal.code
    assert refusal.detail.endswith(".")


@pytest.mark.parametrize("code", ["missing", "malformed", "unknown", "revoked", "expired", "early"])
def test_every_way_of_not_being_known_is_told(code: str) -> None:
    assert rows()[code] == "401 `Authorization`"


@pytest.mark.parametrize("code", ["actor_not_allowed", "unknown_actor"])
def test_every_way_of_not_speaking_for_a_person_is_told(code: str) -> None:
    assert rows()[code] == "403 `Anxing-Actor`"
