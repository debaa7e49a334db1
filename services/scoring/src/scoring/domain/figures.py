"""What a figure of the statistics counts: definitions read from `statistics.toml`.

Which codes belong together, and which share has which base, is data. What is criminal, what is public
security and which status makes a case stands in the rubric, and is not said twice.
"""

import tomllib
from collections.abc import Mapping
from typing import Any, NamedTuple

from scoring.domain.rubric_sections import Incidents


class Figure(NamedTuple):
    """Calls counted together: with one of `codes`, none of `without` (both may be beginnings of codes)."""

    name: str
    title: str
    codes: tuple[str, ...]
    without: tuple[str, ...]
    cases_only: bool


class Share(NamedTuple):
    """One figure as a part of another, both by name."""

    part: str
    of: str


class Definitions(NamedTuple):
    """All figures and shares; compounds are listed that have nothing of the figure `untouched_by`."""

    figures: Mapping[str, Figure]
    shares: tuple[Share, ...]
    untouched_by: str
    case_statuses: tuple[str, ...]
    left_out_codes: tuple[str, ...]
    left_out_statuses: tuple[str, ...]
    left_out_places: tuple[str, ...]

    def counts(self, figure: Figure, code: str, status: str, place: str) -> bool:
        """Whether a call belongs to a figure: valid, of the compound, by its code, and a case if asked."""
        if status in self.left_out_statuses or place in self.left_out_places:
            return False
        if code.startswith((*self.left_out_codes, *figure.without)) or not code.startswith(figure.codes):
            return False
        return status in self.case_statuses or not figure.cases_only


def parse(text: str, incidents: Incidents) -> Definitions:
    """The definitions that `text` (TOML) makes with the classes of a rubric; ValueError for unknown names."""
    table = tomllib.loads(text)
    classes = {
        "criminal": incidents.criminal_prefix,
        "public_security": incidents.public_security_prefix,
    }
    figures = {name: _figure(name, one, classes) for name, one in table["figures"].items()}
    shares = tuple(Share(one["part"], one["of"]) for one in table["shares"])
    untouched_by = table["untouched_by"]
    for name in (untouched_by, *(name for share in shares for name in share)):
        if name not in figures:
            raise ValueError(f"{name} is not a figure")
    left_out = table["left_out"]
    return Definitions(
        figures,
        shares,
        untouched_by,
        tuple(incidents.status_permille),
        tuple(left_out["codes"]),
        tuple(left_out["statuses"]),
        tuple(left_out["places"]),
    )


def _figure(name: str, table: Mapping[str, Any], classes: Mapping[str, str]) -> Figure:
    # Every code begins with nothing: a figure that names no codes has all of them.
    codes = tuple(classes.get(one, one) for one in table.get("codes", [""]))
    for code in (*codes, *table.get("without", [])):
        if code and not code.isdecimal():
            raise ValueError(f"figures.{name}: {code} is neither a code nor a class")
    return Figure(
        name, table["title"], codes, tuple(table.get("without", [])), table.get("cases_only", False)
    )
