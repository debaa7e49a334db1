"""Stars: the limited star of a score, and the dynamic star that follows it slowly.

Source: rubric.md section 6. The dynamic star moves one step on the ladder when the score, less (or plus) a
margin, has been worth more (or less) than it for 14 closed days in a row.
"""

from collections.abc import Mapping
from typing import NamedTuple

from scoring.domain.rubric_sections import Stars

UNIT = 1_000


class Limits(NamedTuple):
    """What caps the star of a score at once: the weakest category, and missing evidence."""

    star_max: int


class Fold(NamedTuple):
    """Where the dynamic star stands after a closed day; `star` is None while not yet rated."""

    star: int | None = None
    up_run: int = 0
    down_run: int = 0


def star_of(rules: Stars, score_milli: int) -> int:
    """The star of a score by thresholds alone."""
    star = rules.ladder[0]
    for threshold, above in zip(rules.thresholds_milli, rules.ladder[1:], strict=True):
        if score_milli >= threshold:
            star = above
    return star


def limits(
    rules: Stars, points: Mapping[str, int], full: Mapping[str, int], *, evidence_missing: bool
) -> Limits:
    """The caps on the star: points and P by category, and whether an item that needs evidence lacks it."""
    star_max = rules.ladder[-1]
    for category, whole in full.items():
        for share, cap in rules.category_caps:
            if UNIT * points[category] < share * whole and cap < star_max:
                star_max = cap
    if evidence_missing:
        star_max = min(star_max, rules.evidence_cap)
    return Limits(star_max)


def unlimited(rules: Stars) -> Limits:
    """No caps."""
    return Limits(rules.ladder[-1])


def limited_star(rules: Stars, score_milli: int, limit: Limits) -> int:
    """The star of a score under its caps."""
    return min(star_of(rules, score_milli), limit.star_max)


def fold(rules: Stars, state: Fold, score_milli: int, limit: Limits) -> Fold:
    """The dynamic star after one more closed day with a score."""
    if state.star is None:
        return Fold(limited_star(rules, score_milli, limit))
    up, down = state.up_run, state.down_run
    up = up + 1 if limited_star(rules, score_milli - rules.margin_milli, limit) > state.star else 0
    down = down + 1 if limited_star(rules, score_milli + rules.margin_milli, limit) < state.star else 0
    place = rules.ladder.index(state.star)
    if up >= rules.run_days:
        return Fold(rules.ladder[place + 1])
    if down >= rules.run_days:
        return Fold(rules.ladder[place - 1])
    return Fold(state.star, up, down)


def days_to_move(rules: Stars, state: Fold, score_milli: int, limit: Limits) -> int | None:
    """How many more days of the same score move the star; None when it would stay."""
    if state.star is None:
        return 1
    after = fold(rules, state, score_milli, limit)
    if after.star != state.star:
        return 1
    runs = [run for run in (after.up_run, after.down_run) if run]
    return 1 + rules.run_days - max(runs) if runs else None
