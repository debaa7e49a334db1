"""The changes that must not pass unnoticed: each number of the rubric, and the conditions of its rules.

Numbers are found in the TOML text, one change each: a little more, or a little less where more would not be
a rubric. Numbers that cannot be changed alone (they must sum to something, or be a star) are changed in
pairs, which are written down here. A change that is refused when the rubric is read proves nothing here:
`tests/unit/scoring/test_rubric.py` is about those.
"""

import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from scoring.domain.rubric import RubricError, parse

SCORING = Path(__file__).parents[2] / "services" / "scoring" / "src" / "scoring"
RUBRIC = "rubrics/shangyu-v1.toml"
ONE_BY_ONE_MAX = 200
"""Numbers up to this change by one: days and counts. Larger ones change by a fiftieth: no floor hides it."""


class Mutant(NamedTuple):
    """One change: in `file` of the scoring package the text from `start` on, `old`, becomes `new`."""

    file: str
    start: int
    old: str
    new: str

    def __str__(self) -> str:
        line = source(self.file).count("\n", 0, self.start) + 1
        return f"{Path(self.file).name}:{line}: {self.old.strip()} -> {self.new.strip()}"

    def text(self) -> str:
        """The changed file."""
        text = source(self.file)
        return text[: self.start] + self.new + text[self.start + len(self.old) :]


@cache
def source(file: str) -> str:
    return (SCORING / file).read_text("utf-8")


def numbers() -> Iterator[Mutant]:
    """Each number of the rubric that can be changed alone."""
    text = source(RUBRIC)
    for found in re.finditer(r"(?<![\w\"])\d[\d_]*(?![\w\"]| =)", text):
        line = text[text.rfind("\n", 0, found.start()) + 1 : found.start()]
        if "#" in line:
            continue
        number = int(found[0])
        by = 1 if number <= ONE_BY_ONE_MAX else number // 50
        for other in (number + by, number - by):
            mutant = Mutant(RUBRIC, found.start(), found[0], str(other))
            if other >= 0 and readable(mutant.text()):
                yield mutant
                break


def readable(text: str) -> bool:
    try:
        parse(text)
    except RubricError:
        return False
    return True


def pairs(*changes: tuple[str, str]) -> Iterator[Mutant]:
    """Changes of the rubric that keep it readable."""
    for old, new in changes:
        mutant = _unique(RUBRIC, old, new)
        assert readable(mutant.text()), mutant
        yield mutant


def conditions(module: str, *changes: tuple[str, str]) -> Iterator[Mutant]:
    for old, new in changes:
        yield _unique(f"domain/{module}.py", old, new)


def _unique(file: str, old: str, new: str) -> Mutant:
    times = source(file).count(old)
    assert times == 1, f"{file}: {old!r} stands there {times} times"
    return Mutant(file, source(file).index(old), old, new)


def points() -> Iterator[Mutant]:
    """A hundred milli-points from each item to the next one."""
    text = source(RUBRIC)
    found = list(re.finditer(r"points_milli = ([\d_]+)", text))
    for one, other in pairwise(found):
        between = text[one.end() : other.start()]
        less, more = int(one[1].replace("_", "")) - 100, int(other[1].replace("_", "")) + 100
        new = f"points_milli = {less}{between}points_milli = {more}"
        mutant = Mutant(RUBRIC, one.start(), text[one.start() : other.end()], new)
        if readable(mutant.text()):
            yield mutant
