"""How far the next star is, up and down, and whether that is near enough to tell."""

from typing import Literal, NamedTuple

from scoring.domain.rubric_sections import Rubric
from scoring.domain.standing import Standing

NEAR_MILLI = 1_000
"""Within a point of another star is near (contracts.md, `threshold.near`)."""


class Distance(NamedTuple):
    """How far another star is: from `score_milli` on (or below) a run grows that moves it after `days`.

    `points_milli` is what is missing (or to spare), 0 when the run is growing already. `capped` says that the
    score would do, but a weak category or missing evidence holds the star.
    """

    star: int
    score_milli: int
    points_milli: int
    run: int
    days: int
    capped: bool = False


class Near(NamedTuple):
    """Another star that is near; `distance_milli` is 0 when the run towards it is growing already."""

    direction: Literal["up", "down"]
    star: int
    distance_milli: int


def near(rubric: Rubric, standing: Standing) -> Near | None:
    """The star that is within a point; at most one is, because thresholds lie further apart than that.

    A star that a weak category or missing evidence holds back is not near, whatever the score.
    """
    up = distance_up(rubric, standing)
    if up is not None and not up.capped and up.points_milli <= NEAR_MILLI:
        return Near("up", up.star, up.points_milli)
    down = distance_down(rubric, standing)
    if down is not None and down.points_milli <= NEAR_MILLI:
        return Near("down", down.star, down.points_milli)
    return None


def distance_up(rubric: Rubric, standing: Standing) -> Distance | None:
    """How far the next star is; it needs its threshold and the margin above it."""
    rules, star, score = rubric.stars, standing.dynamic_star, standing.score_milli
    if star is None or score is None or star == rules.ladder[-1]:
        return None
    place = rules.ladder.index(star)
    needed = rules.thresholds_milli[place] + rules.margin_milli
    above = rules.ladder[place + 1]
    capped = standing.star_max < above
    run = standing.up_run
    return Distance(above, needed, max(needed - score, 0), run, rules.run_days - run, capped)


def distance_down(rubric: Rubric, standing: Standing) -> Distance | None:
    """How far the star below is; the score must fall below the threshold by more than the margin."""
    rules, star, score = rubric.stars, standing.dynamic_star, standing.score_milli
    if star is None or score is None or star == rules.ladder[0]:
        return None
    place = rules.ladder.index(star)
    kept = rules.thresholds_milli[place - 1] - rules.margin_milli
    capped = standing.star_max < star
    spare = 0 if capped else max(score - kept, 0)
    run = standing.down_run
    return Distance(rules.ladder[place - 1], kept, spare, run, rules.run_days - run, capped)
