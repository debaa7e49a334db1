"""What a rubric must hold, and how one that does not is refused."""

import pytest
from scoring.domain.rubric import RubricError, parse
from shared.events.taxonomy import KNOWN_CODES

from tests.unit.scoring.rubric_examples import rubric, rubric_text


def test_the_rubric_of_shangyu_sums_to_a_hundred_points() -> None:
    sums = dict.fromkeys(rubric().categories, 0)
    for item in rubric().items.values():
        sums[item.category] += item.points_milli
    assert sums == {"A": 20_000, "B": 15_000, "C": 20_000, "D": 25_000, "E": 10_000, "F": 10_000}


def test_it_knows_every_code_of_the_contract_and_no_other() -> None:
    assert rubric().known_codes == KNOWN_CODES


def test_it_is_identified_by_its_text() -> None:
    assert parse(rubric_text()).hash == rubric().hash
    assert parse(rubric_text() + "# a word\n").hash != rubric().hash


REFUSED = [
    ("points_milli = 12_000", "points_milli = 12_001", "items", "sum to 100000"),
    ("points_milli = 12_000", 'points_milli = "12"', "items.D1.points_milli", "of type int"),
    ("points_milli = 12_000", "points_milli = -1", "items.D1.points_milli", "negative"),
    ('bands = "b120"', 'bands = "b121"', "items.F3.bands", "unknown bands b121"),
    ("b60 = [[60, 1_000]", "b60 = [[160, 1_000]", "items.A1.bands", "ascend"),
    ("b60 = [[60, 1_000]", "b60 = [[60, 1_001]", "items.A1.bands", "at most 1000"),
    ("b60 = [[60, 1_000]", "b60 = [[60, 1.0]", "bands.b60", "whole numbers"),
    ('model = "trend"', 'model = "trends"', "items.D3.model", "must be one of"),
    ('model = "trend"', 'model = "survey"', "items.F4.model", "one item only"),
    ("010200 = 5_000", "01020 = 5_000", "incidents.codes.D1.01020", "six digits"),
    ("010200 = 5_000", "010400 = 5_000", "incidents.codes.D2.010400", "another item"),
    ("010200 = 5_000", "010701 = 5_000", "incidents.unscored", "scored under D1"),
    ("[incidents.codes.F2]", "[incidents.codes.F4]", "incidents.codes.F4.060200", "model decay"),
    ("C1 = 2_000, C2 = 1_000", "C1 = 2_000, C2 = 999", "items.C3.moves_milli", "sum to the points"),
    ("C1 = 2_000, C2 = 1_000", "C1 = 2_000, D1 = 1_000", "items.C3.moves_milli", "model state"),
    ("V5 = 2, ", "", "vetoes.caps", "V1 to V7"),
    ("V5 = 2, ", "V5 = 1, ", "vetoes.caps", "ladder"),
    ("thresholds_milli = [60_000", "thresholds_milli = [80_000", "stars.thresholds_milli", "ascend"),
    ("filed_milli = 500", "filed_milli = 400", "items.A3.points_milli", "sum of the parts"),
    ("run_days = 14\n", "", "stars", "run_days is missing"),
    ("run_days = 14\n", "run_days = 14\nmargin = 3\n", "stars.margin", "any rule reads"),
    ("run_days = 14\n", "run_days = 0\n", "stars.run_days", "more than 0"),
    ('title = "', 'titel = "', "titel", "any rule reads"),
    ("other = 500 }", "more = 500 }", "items.A1", "other"),
    ("due_days = { immediate = 1, ", "due_days = { ", "hazards.due_days", "four classes"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "instead", "key", "rule"), REFUSED)
def test_a_broken_rubric_is_refused_by_line_key_and_rule(
    text: str, instead: str, key: str, rule: str
) -> None:
    assert text in rubric_text()
    with pytest.raises(RubricError) as refused:
        parse(rubric_text().replace(text, instead, 1))
    assert refused.value.key.startswith(key)
    assert rule in refused.value.rule
    assert refused.value.line > 0
    assert str(refused.value).startswith(f"line {refused.value.line}, ")


def test_the_line_is_the_one_of_the_key() -> None:
    text = rubric_text().replace("points_milli = 12_000", "points_milli = true")
    with pytest.raises(RubricError) as refused:
        parse(text)
    assert text.splitlines()[refused.value.line - 1] == "points_milli = true"


def test_what_is_not_toml_is_refused_by_its_line() -> None:
    with pytest.raises(RubricError, match="line 2"):
        parse("name = 1\nname =\n")
