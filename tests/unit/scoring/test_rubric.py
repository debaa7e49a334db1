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
    ("county = 2_000, ", "", "disputes.levels_milli", "three levels"),
    ('grave = ["immediate"', 'grave = ["grave"', "hazards.grave", "grave is none of"),
    ('urgent = ["immediate"', 'urgent = ["at once"', "rectification.urgent", "at once is none of"),
    ('extension_unbounded = ["capital"]', 'extension_unbounded = ["big"]', "hazards.extension_unb", "big"),
    ("solved = 600", "closed = 600", "incidents.status_permille", "closed is none of"),
    ("solved = 600", "solved = 1_600", "incidents.status_permille", "at most 1000"),
    ("late_report = 1_000", "late_reports = 1_000", "cooperation.F2.late_reports", "is none of"),
    ("tip_solved_case = 1_000", "late_report = 1_000", "bonus.cooperation_milli", "cost as well"),
    ("tip_solved_case = 1_000", "tip = 1_000", "bonus.cooperation_milli", "tip is none of"),
    ('upgrade_categories = ["B"', 'upgrade_categories = ["G"', "bonus.upgrade_categories", "G is none of"),
    ('preventable_items = ["D1"]', 'preventable_items = ["D9"]', "incidents.preventable_items", "D9 is none"),
    ("020300 = 1_000", "020300 = 0", "incidents.codes.D2.020300", "costs nothing"),
    ('preventable = ["020300"', 'preventable = ["020700"', "incidents.preventable", "not a scored code"),
    ('items = ["D1", "D2"]', 'items = ["D1", "C1"]', "trend.items", "model decay"),
    ('evidence_items = ["B1"', 'evidence_items = ["A1"', "stars.evidence_items", "model state"),
    ('item = "E1"', 'item = "F4"', "disputes.item", "model decay"),
    ('handling_item = "E2"', 'handling_item = "E9"', "disputes.handling_item", "model decay"),
    ('E = "纠纷"', 'E = "纠纷"\nG = "其他"', "categories.G", "no item"),
    ('E = "纠纷"\n', "", "items.E1", "letter of a category"),
    ('model = "trend"', 'model = "trend"\nsized = true', "items.D3", "belong to the model decay"),
    ('model = "trend"', 'model = "trend"\nstatus = true', "items.D3", "belong to the model state"),
    ('model = "trend"', 'model = "decay"', "items.D3", "it needs them"),
    ("fail_permille = 1_000\n", "fail_permille = 400\n", "findings.partial_permille", "more than fail"),
    ("pass_permille = 1_000\n", "pass_permille = 900\n", "state", "pass is 1000"),
    ("stale_permille = 600", "stale_permille = 6_000", "evidence.stale_permille", "at most 1000"),
    ("residue = [[90, 250], [180, 125]]", "residue = [[180, 250], [90, 125]]", "hazards.residue", "ascend"),
    ("residue = [[90, 250], [180, 125]]", "residue = []", "hazards.residue", "at least one"),
    ("clock_permille = [1_000, ", "clock_permille = [", "hazards.clock_permille", "three shares"),
    ("incidents_min = 5", "incidents_min = 0", "trend.incidents_min", "more than 0"),
    ("step_percent = 10", "step_percent = 0", "rectification.step_percent", "more than 0"),
    ("ladder = [0, 2, 3", "ladder = [0, 3, 2", "stars.ladder", "ascend"),
    ("thresholds_milli = [60_000, ", "thresholds_milli = [", "stars.thresholds_milli", "one threshold"),
    ("category_caps = [[600, 4]", "category_caps = [[600, 1]", "stars.category_caps", "stars of the ladder"),
    ("freeze_month_day = [1, 11]", "freeze_month_day = [2, 29]", "year.freeze_month_day", "of a date"),
    ("freeze_month_day = [1, 11]", "freeze_month_day = [1]", "year.freeze_month_day", "of a date"),
    ("0 = 0 }", "1 = 0 }", "year.reward_yuan", "stars of the ladder"),
    ("0 = 0 }", "x = 0 }", "year.reward_yuan.x", "must be a number"),
    ("[incidents.codes.F2]\n060200 = 500", "[incidents.codes]\nF2 = 500", "incidents.codes.F2", "a table"),
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


def test_each_code_of_the_taxonomy_is_scored_or_listed() -> None:
    assert parse(rubric_text(), KNOWN_CODES) == rubric()
    unknown = rubric_text().replace("010302 = 3_000", "010399 = 3_000")
    assert parse(unknown)
    for text, line in (
        (unknown, "010399 = 3_000"),
        (rubric_text().replace("010302 = 3_000\n", ""), "unscored = "),
        (rubric_text().replace('unscored = ["010701"', 'unscored = ["010799", "010701"'), "unscored = "),
    ):
        with pytest.raises(RubricError, match=r"taxonomy|neither scored nor listed|not a code") as refused:
            parse(text, KNOWN_CODES)
        assert text.splitlines()[refused.value.line - 1].startswith(line)


def test_the_line_is_the_one_of_the_key() -> None:
    text = rubric_text().replace("points_milli = 12_000", "points_milli = true")
    with pytest.raises(RubricError) as refused:
        parse(text)
    assert text.splitlines()[refused.value.line - 1] == "points_milli = true"


def test_what_is_not_toml_is_refused_by_its_line() -> None:
    with pytest.raises(RubricError, match="line 2"):
        parse("name = 1\nname =\n")
