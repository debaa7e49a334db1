"""The changes that must not pass unnoticed: numbers and conditions of the rubric, one each."""

from typing import NamedTuple

RUBRIC = "rubrics/shangyu-v1.toml"


class Mutant(NamedTuple):
    """One change: in `file` of the scoring package the text `old`, which stands there once, becomes `new`."""

    file: str
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.file}: {self.old!r} -> {self.new!r}"


def _numbers(*pairs: tuple[str, str]) -> list[Mutant]:
    return [Mutant(RUBRIC, old, new) for old, new in pairs]


def _conditions(module: str, *pairs: tuple[str, str]) -> list[Mutant]:
    return [Mutant(f"domain/{module}.py", old, new) for old, new in pairs]


MUTANTS = [
    *_numbers(
        ("cap_permille = 2_500", "cap_permille = 2_400"),
        ("dividend = 1_500_000", "dividend = 1_400_000"),
        ("offset_households = 500", "offset_households = 600"),
        ("households_per_guard = 200", "households_per_guard = 250"),
        ("b60 = [[60, 1_000]", "b60 = [[61, 1_000]"),
        ("b90 = [[90, 1_000], [180, 500]", "b90 = [[90, 1_000], [181, 500]"),
        ("b120 = [[120, 1_000]", "b120 = [[121, 1_000]"),
        ("b180 = [[180, 1_000], [365, 500]]", "b180 = [[181, 1_000], [365, 500]]"),
        ("post_empty = 1_500", "post_empty = 1_400"),
        ("moves_milli = { C1 = 2_000, C2 = 1_000 }", "moves_milli = { C1 = 1_000, C2 = 2_000 }"),
        ("fail_permille = 1_000\npartial_permille = 500", "fail_permille = 1_000\npartial_permille = 400"),
        ("pass_permille = 1_000\npartial_permille = 500", "pass_permille = 1_000\npartial_permille = 400"),
        ("status_floor_permille = 600", "status_floor_permille = 500"),
        ("status_span_permille = 400", "status_span_permille = 500"),
        ("grace_days = 90", "grace_days = 91"),
        ("stale_after_days = 180", "stale_after_days = 181"),
        ("stale_permille = 600", "stale_permille = 500"),
        ("immediate = 1, ordinary", "immediate = 2, ordinary"),
        ("ordinary = 3", "ordinary = 4"),
        ("extension_days_max = 15", "extension_days_max = 16"),
        ("late_days = 15", "late_days = 16"),
        ("clock_permille = [1_000, 1_500, 2_000]", "clock_permille = [1_000, 1_400, 2_000]"),
        ("residue = [[90, 250]", "residue = [[91, 250]"),
        ("[180, 125]]", "[181, 125]]"),
        ("rounds_per_day = 2", "rounds_per_day = 1"),
        ("guards_milli = 2_000", "guards_milli = 1_900"),
        ("licensed_milli = 1_500", "licensed_milli = 1_400"),
        ("filed_milli = 500", "filed_milli = 400"),
        ("trained_days = 180", "trained_days = 181"),
        ("incidents_min = 5", "incidents_min = 4"),
        ("unknown_milli = 3_000", "unknown_milli = 2_900"),
        ("mediation_days = 7", "mediation_days = 8"),
        ("repeat_milli = 500", "repeat_milli = 400"),
        ("county = 2_000", "county = 1_900"),
        ("urgent_milli = 2_000", "urgent_milli = 1_900"),
        ("late_milli = 1_000", "late_milli = 900"),
        ("late_report = 1_000", "late_report = 900"),
        ("request_unanswered = 500", "request_unanswered = 400"),
        ("asked_min = 30", "asked_min = 20"),
        ("full_permille = 800", "full_permille = 900"),
        ("tip_solved_case = 1_000", "tip_solved_case = 900"),
        ("upgrade_gap_days = 365", "upgrade_gap_days = 366"),
        ("solved = 600", "solved = 700"),
        ("010301 = 4_000", "010301 = 3_900"),
        ("080107 = 200", "080107 = 250"),
        ("[60_000, 70_000, 80_000, 90_000]", "[60_000, 70_000, 80_000, 90_500]"),
        ("category_caps = [[600, 4], [300, 3]]", "category_caps = [[650, 4], [300, 3]]"),
        ("rated_after_days = 90", "rated_after_days = 91"),
        ("margin_milli = 2_000", "margin_milli = 2_500"),
        ("run_days = 14", "run_days = 13"),
        ("V4 = 2, V5", "V4 = 3, V5"),
        ("buildings_min = 3", "buildings_min = 4"),
        ("days_min = 180", "days_min = 181"),
        ("yellow_days = 30", "yellow_days = 31"),
        ("clear_days = 14", "clear_days = 15"),
    ),
    *_conditions(
        "hazards",
        ("if overdue <= 0:", "if overdue < 0:"),
        ("overdue <= rules.late_days else", "overdue < rules.late_days else"),
        ("if self.rectified > self.due:", "if self.rectified >= self.due:"),
        ("self.verified.day <= self.due", "self.verified.day < self.due"),
        ("rectified = event.day if rectified is None else rectified", "rectified = event.day"),
        ("event.day <= due < event.due", "event.day < due < event.due"),
        ("self.overdue_days(day) > rules.late_days", "self.overdue_days(day) >= rules.late_days"),
        ("if self.opened.by_company and self.on_time:", "if self.on_time:"),
    ),
    *_conditions(
        "stars",
        ("if score_milli >= threshold:", "if score_milli > threshold:"),
        ("if up >= rules.run_days:", "if up > rules.run_days:"),
        ("UNIT * points[category] < share * whole", "UNIT * points[category] <= share * whole"),
    ),
    *_conditions("vetoes", ("< rules.days", "<= rules.days")),
    *_conditions("eligibility", ("<= rules.occupied_over_permille", "< rules.occupied_over_permille")),
    *_conditions("surveys", ("if asked >= least:", "if asked > least:")),
    *_conditions(
        "rectification",
        ("* late)\n", "* late + 1)\n"),
        ("percent = on_time * PERCENT // judged", "percent = -(-on_time * PERCENT // judged)"),
    ),
]
