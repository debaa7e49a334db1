"""The rubric in words for property managers says what the rubric file says, and its example is recomputed."""

import ast
import json
import re
import tomllib
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from scoring.domain.advice import best_actions
from scoring.domain.book import Book
from scoring.domain.costs import costs
from scoring.domain.facts import Day
from scoring.domain.rubric_sections import BONUS
from scoring.domain.size import size_permille
from shared.events.taxonomy import TAXONOMY

from tests.unit.scoring.rubric_examples import (
    book_of,
    examples,
    fact_of,
    ordinal,
    registry_of,
    rubric,
    rubric_text,
)

PAGE = Path(__file__).parents[3] / "shared" / "docs" / "scoring.md"
CLASSES = {"立即整改": "immediate", "一般": "ordinary", "重大": "major", "需资金改造": "capital"}
NOTHING = "—"


class Table(NamedTuple):
    """One table of the page: the names of its columns, and its rows by those."""

    columns: tuple[str, ...]
    rows: tuple[dict[str, str], ...]


@cache
def page() -> str:
    return PAGE.read_text("utf-8")


@cache
def tables() -> tuple[Table, ...]:
    found = []
    for block in re.findall(r"(?:^\|.*\|\n)+", page(), re.MULTILINE):
        head, _, *rows = [
            [cell.strip() for cell in line.strip("|\n").split("|")] for line in block.splitlines()
        ]
        assert all(len(row) == len(head) for row in rows), block
        found.append(Table(tuple(head), tuple(dict(zip(head, row, strict=True)) for row in rows)))
    return tuple(found)


def table(*columns: str) -> Table:
    """The only table with exactly these columns."""
    (found,) = [one for one in tables() if one.columns == columns]
    return found


def rows_with(column: str) -> list[dict[str, str]]:
    return [row for one in tables() if column in one.columns for row in one.rows]


# Numbers and where they stand in the rubric


UNITS = {"分": 1_000, "倍": 1_000, "颗": 1_000, "%": 10}


def numbers(cell: str) -> list[int]:
    """The numbers of a cell as the rubric has them: points and times in thousandths, per cent per mille."""
    found = []
    for text, unit in re.findall(r"([\d,]+(?:\.\d+)?)\s*([^\d\s、，]?)", cell):
        whole, _, rest = text.replace(",", "").partition(".")
        times = UNITS.get(unit, 1)
        scaled = int(whole + rest) * times
        assert scaled % 10 ** len(rest) == 0, cell
        found.append(scaled // 10 ** len(rest))
    return found


def flat(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [one for part in value.values() for one in flat(part)]
    if isinstance(value, list):
        return [one for part in value for one in flat(part)]
    return [value]


@cache
def file() -> dict[str, Any]:
    """The rubric file, with the bands of the bonus spelled out."""
    read = tomllib.loads(rubric_text())
    read["bonus"]["bands"] = read["bands"][read["bonus"]["bands"]]
    return read


def placed() -> list[tuple[str, str]]:
    """(place in the rubric, what the page says) of all tables that name places."""
    return [(row["位置"].strip("`"), row["数字"]) for row in rows_with("位置")]


@pytest.mark.parametrize(("place", "says"), placed())
def test_a_number_is_that_of_the_rubric(place: str, says: str) -> None:
    value: Any = file()
    for name in place.split("."):
        value = value[name]
    if all(isinstance(one, str) for one in flat(value)):
        assert [CLASSES.get(one, one) for one in says.split("、")] == flat(value)
    else:
        assert numbers(says) == flat(value)


TOLD_ELSEWHERE = re.compile(
    r"name|title|categories\.\w|incidents\.codes\.\w+\.\d+|incidents\.unscored"
    r"|items\.\w+\.(name|points_milli|model|bands|sized|status)"
)
"""Told by tables of their own, which other tests read; models are what the page is about."""


def test_no_number_of_the_rubric_is_left_out() -> None:
    told = {place for place, _ in placed()}

    def leaves(value: Any, path: str) -> list[str]:
        if path in told:
            return []
        if isinstance(value, dict):
            return [leaf for name, one in value.items() for leaf in leaves(one, f"{path}.{name}".lstrip("."))]
        return [path]

    assert [leaf for leaf in leaves(file(), "") if not TOLD_ELSEWHERE.fullmatch(leaf)] == []


def test_it_names_the_rubric() -> None:
    assert f"《{rubric().title}》（`{rubric().name}`）" in page()


def test_categories_and_items_with_their_points() -> None:
    sums = {
        code: sum(item.points_milli for item in rubric().items.values() if item.category == code)
        for code in rubric().categories
    }
    assert [
        (row["大类"], row["名称"], numbers(row["满分"])) for row in table("大类", "名称", "满分").rows
    ] == [(code, name, [sums[code]]) for code, name in rubric().categories.items()]
    items = table("编号", "项目", "满分", "怎样计分", "见").rows
    assert [(row["编号"], row["项目"], numbers(row["满分"])) for row in items] == [
        (item.code, item.name, [item.points_milli]) for item in rubric().items.values()
    ]


def test_which_items_fade_how_fast() -> None:
    uses = {row["位置"].strip("`"): row["用于"].split("、") for row in rows_with("用于")}
    expected: dict[str, list[str]] = {f"bands.{name}": [] for name in file()["bands"]}
    for item in rubric().items.values():
        for name, bands in file()["bands"].items():
            if item.bands == tuple(map(tuple, bands)):
                expected[f"bands.{name}"].append(item.code)
    expected[f"bands.{tomllib.loads(rubric_text())['bonus']['bands']}"].append("加分")
    assert uses == expected


def test_every_code_with_its_item_and_base() -> None:
    said = [tuple(row.values()) for row in table("代码", "类别", "项目", "基数").rows]
    scored = [(code, TAXONOMY[code].chinese, item, [base]) for code, (item, base) in rubric().codes.items()]
    unscored = [(code, TAXONOMY[code].chinese, "只统计", []) for code in rubric().incidents.unscored]
    assert [(code, name, item, numbers(base)) for code, name, item, base in said] == scored + unscored


def test_what_weighs_by_size_and_how_much() -> None:
    sized = [item.code for item in rubric().items.values() if item.sized]
    assert f"用到 f 的只有 {'、'.join(sized)}，以及 {rubric().disputes.handling_item} 的" in page()
    for row in table("入住户数", "f").rows:
        assert numbers(row["f"]) == [size_permille(rubric().size, *numbers(row["入住户数"]))]


def test_devices_count_for_the_items_that_say_so() -> None:
    said = [
        row["编号"]
        for row in table("编号", "项目", "满分", "怎样计分", "见").rows
        if "在线率" in row["怎样计分"]
    ]
    assert said == [item.code for item in rubric().items.values() if item.status]


def test_there_is_no_number_that_nobody_compares() -> None:
    """Outside of tables, fences and codes there are no digits; in tables none outside of compared columns."""
    prose = re.sub(r"^```.*?^```$", "", page(), flags=re.MULTILINE | re.DOTALL)
    prose = re.sub(r"^\|.*\|$", "", prose, flags=re.MULTILINE)
    assert stray(prose) == []
    compared = {"数字", "满分", "基数", "代码", "位置", "入住户数", "f", "计算", "结果", "得分"}
    compared |= {"从", "已过", "扣（或加）", "变轻的日子", "那时", "消除的日子", "马上多"}
    for row in (row for one in tables() for row in one.rows):
        assert stray(" ".join(cell for name, cell in row.items() if name not in compared)) == [], row


def stray(text: str) -> list[str]:
    return re.findall(r"\d+", re.sub(r"`[^`]*`|[A-FV]\d(?!\d)", "", text))


# The example


@cache
def example() -> dict[str, Any]:
    (block,) = re.findall(r"^```json\n(.*?)^```$", page(), re.MULTILINE | re.DOTALL)
    found: dict[str, Any] = json.loads(block)
    return found


def worked() -> tuple[Book, Day]:
    """The book of the example on its day, closed until the day before."""
    compound = {
        "name": "示例苑",
        "buildings": 9,
        "enclosed": True,
        "company_id": "P01",
        "community_id": "S1",
        "station_id": "baiguan",
        "effective_from": example()["compound"]["enrolled_on"],
        **example()["compound"],
    }
    facts = [
        fact_of(
            {
                "specversion": "1.0",
                "id": f"0190c0de-0000-7000-8000-{place:012}",
                "source": "urn:example",
                "type": f"anxing.{kind}.v1",
                "subject": "example",
                "time": f"{day}T09:00:00+08:00",
                "data": data,
            }
        )
        for place, (day, kind, data) in enumerate(example()["facts"])
    ]
    book, day = book_of(registry_of("example", [compound]), facts), ordinal(example()["day"])
    book.close_through(day - 1)
    return book, day


ITEMS = ("项目", "说明", "从", "已过", "计算", "得分")


def value_of(written: str) -> int:
    """What an expression with × ÷ − + min and whole numbers is; ÷ drops the remainder."""
    return evaluated(ast.parse(_python(written), mode="eval").body)


def _python(written: str) -> str:
    return re.sub(r"(?<=\d),(?=\d{3})", "", written).translate(str.maketrans({"×": "*", "÷": "/", "−": "-"}))


def evaluated(node: ast.expr) -> int:
    match node:
        case ast.Constant(value=int(number)):
            return number
        case ast.BinOp(left, ast.Add(), right):
            return evaluated(left) + evaluated(right)
        case ast.BinOp(left, ast.Sub(), right):
            return evaluated(left) - evaluated(right)
        case ast.BinOp(left, ast.Mult(), right):
            return evaluated(left) * evaluated(right)
        case ast.BinOp(left, ast.Div(), right):
            assert evaluated(left) >= 0, "dividends are never negative"
            return evaluated(left) // evaluated(right)
        case ast.Call(ast.Name("min"), parts):
            return min(evaluated(one) for one in parts)
    raise AssertionError(ast.dump(node))


def whole(text: str) -> int:
    return int(text.replace(",", ""))


def test_each_item_is_what_its_line_works_out() -> None:
    book, day = worked()
    rows = table(*ITEMS).rows
    assert {row["项目"]: value_of(row["计算"]) for row in rows} == dict(book.standing(day).items)
    assert [value_of(row["计算"]) for row in rows] == [whole(row["得分"]) for row in rows]


def test_the_first_numbers_and_the_sums() -> None:
    book, day = worked()
    standing, ground = book.standing(day), book.terms.on(day)
    rows = [row for one in tables() if one.columns == ("名称", "计算", "结果") for row in one.rows]
    between = table("中间数", "计算", "结果").rows
    assert [value_of(row["计算"]) for row in between] == [whole(row["结果"]) for row in between]
    assert [value_of(row["计算"]) for row in rows] == [whole(row["结果"]) for row in rows]
    assert {row["名称"]: whole(row["结果"]) for row in rows} == {
        "f（千分之几）": ground.size_permille,
        "应有人数": ground.need,
        "参评天数": book.terms.days_enrolled(day),
        **standing.categories,
        "加分": standing.bonus_milli,
        "得分": standing.score_milli,
        "限星": standing.limited_star,
        "动态星级": standing.star,
    }
    assert f"未核实的是 {' 和 '.join(standing.unverified)}。" in page()


def test_each_operand_comes_from_the_rubric_the_facts_or_a_result() -> None:
    rows = [row for one in tables() if "计算" in one.columns for row in one.rows]
    known = {one for one in flat(file()) if isinstance(one, int)}
    known |= {int(one) for one in re.findall(r"\d+", json.dumps(example()))}
    known |= {whole(row.get("得分") or row["结果"]) for row in rows} | {0, 1, 100, 1_000, 1_000_000_000}
    for row in rows:
        nodes = ast.walk(ast.parse(_python(row["计算"])))
        operands = {node.value for node in nodes if isinstance(node, ast.Constant)}
        assert operands <= known, row


def test_days_that_have_passed_are_counted_from_days_of_the_example() -> None:
    book, day = worked()
    known = {date.fromordinal(fact.day).isoformat() for fact in book.facts()}
    known |= set(re.findall(r"\d{4}-\d\d-\d\d", json.dumps(example())))
    life = book.hazard("h1", day)
    assert life is not None
    # Days that follow from others: the due day of a hazard, the deadline of a dispute.
    known |= {dated(life.due), dated(ordinal("2026-05-20") + rubric().disputes.mediation_days)}
    for row in table(*ITEMS).rows:
        if row["从"] != NOTHING:
            assert set(row["从"].split("、")) <= known, row
            assert [day - ordinal(one) for one in row["从"].split("、")] == numbers(row["已过"]), row


def test_the_explanation_is_the_one_of_the_program() -> None:
    book, day = worked()
    said = [tuple(row.values()) for row in table(*EXPLAINED).rows]
    found = []
    for code, of in sorted(costs(book, day).items(), key=lambda one: (one[0] == BONUS, one[0])):
        for cost in of:
            numbers_of = (cost.points_milli, cost.lighter_milli)
            now, lighter = (NOTHING if one is None else f"{one:,}" for one in numbers_of)
            name = "加分" if code == BONUS else code
            found.append(
                (name, f"`{cost.reason}`", now, dated(cost.lighter_on), lighter, dated(cost.ends_on))
            )
    assert said == found


EXPLAINED = ("项目", "因为什么", "扣（或加）", "变轻的日子", "那时", "消除的日子")


def dated(day: Day | None) -> str:
    return NOTHING if day is None else date.fromordinal(day).isoformat()


def test_what_could_be_done() -> None:
    book, day = worked()
    assert [tuple(row.values()) for row in table("可做", "项目", "马上多").rows] == [
        (f"`{one.idea}`", one.item, f"{one.gain_milli:,}") for one in best_actions(book, day)
    ]


def test_every_reason_and_idea_has_its_words() -> None:
    reasons = set(re.findall(r"`(\w+)`", " ".join(row["因为什么"] for row in table("因为什么", "意思").rows)))
    ideas = set(re.findall(r"`(\w+)`", " ".join(row["可做"] for row in table("可做", "意思").rows)))
    for one in examples():
        book = book_of(one.registry, one.facts)
        for day in {ordinal(expected["day"]) for expected in one.expected}:
            if book.standing(day).score_milli is not None:
                assert {cost.reason for of in costs(book, day).values() for cost in of} <= reasons
                assert {action.idea for action in best_actions(book, day, 99)} <= ideas
