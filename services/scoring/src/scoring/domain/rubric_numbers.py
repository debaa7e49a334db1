"""What must hold between the numbers of a rubric so that no rule divides by nothing or pays twice."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date

from scoring.domain.rubric_sections import Bands, Rubric

UNIT = 1_000
A_YEAR = 2_001
"""Any year without a 29 February."""

Refuse = Callable[[str, str], Exception]
"""(key, rule) → the error to raise."""


def check_numbers(rubric: Rubric, refuse: Refuse) -> None:
    """Raises what `refuse` makes of the first key that breaks a rule."""
    _check_bands(rubric, refuse)
    _check_shares(rubric, refuse)
    _check_stars(rubric, refuse)
    _check_parameters(rubric, refuse)


def _check_shares(rubric: Rubric, refuse: Refuse) -> None:
    state, findings = rubric.state, rubric.findings
    shares: dict[str, Iterable[int]] = {
        "evidence.stale_permille": [rubric.evidence.stale_permille],
        "findings.fail_permille": [findings.fail_permille],
        "survey.full_permille": [rubric.survey.full_permille],
        "incidents.status_permille": rubric.incidents.status_permille.values(),
        "eligibility.occupied_over_permille": [rubric.eligibility.occupied_over_permille],
        "stars.category_caps": [share for share, _ in rubric.stars.category_caps],
    }
    for key, values in shares.items():
        if any(value > UNIT for value in values):
            raise refuse(key, "a share is at most 1000 per mille")
    if not findings.partial_permille <= findings.fail_permille:
        raise refuse("findings.partial_permille", "must not be more than fail_permille")
    if not state.fail_permille <= state.partial_permille <= state.pass_permille == UNIT:
        raise refuse("state", "fail, partial, pass must not descend, and pass is 1000")


def _check_bands(rubric: Rubric, refuse: Refuse) -> None:
    named: Mapping[str, Bands] = {
        **{f"items.{code}.bands": item.bands for code, item in rubric.items.items()},
        "bonus.bands": rubric.bonus.bands,
        "hazards.residue": rubric.hazards.residue,
    }
    for key, bands in named.items():
        if not bands and not key.startswith("items."):
            raise refuse(key, "needs at least one age")
        ages = [age for age, _ in bands]
        if ages != sorted(set(ages)) or 0 in ages:
            raise refuse(key, "ages must ascend and be more than 0")
        if any(weight > UNIT for _, weight in bands):
            raise refuse(key, "weights must be at most 1000 per mille")


def _check_stars(rubric: Rubric, refuse: Refuse) -> None:
    stars = rubric.stars
    if list(stars.ladder) != sorted(set(stars.ladder)):
        raise refuse("stars.ladder", "must ascend")
    if list(stars.thresholds_milli) != sorted(set(stars.thresholds_milli)):
        raise refuse("stars.thresholds_milli", "must ascend")
    if len(stars.thresholds_milli) != len(stars.ladder) - 1:
        raise refuse("stars.thresholds_milli", "needs one threshold for each star but the lowest")
    for key, caps in {
        "stars.category_caps": [cap for _, cap in stars.category_caps],
        "stars.evidence_cap": [stars.evidence_cap],
        "vetoes.caps": list(rubric.vetoes.caps.values()),
        "year.reward_yuan": list(rubric.year.reward_yuan),
    }.items():
        if not set(caps) <= set(stars.ladder):
            raise refuse(key, "must name stars of the ladder")
    if set(rubric.vetoes.caps) != {f"V{number}" for number in range(1, 8)}:
        raise refuse("vetoes.caps", "needs V1 to V7")
    if set(rubric.year.reward_yuan) != set(stars.ladder):
        raise refuse("year.reward_yuan", "needs one reward for each star")


def _check_parameters(rubric: Rubric, refuse: Refuse) -> None:
    positive = {
        "size.households_per_guard": rubric.size.households_per_guard,
        "size.offset_households": rubric.size.offset_households,
        "state.status_span_permille": rubric.state.status_span_permille,
        "survey.households_per_asked": rubric.survey.households_per_asked,
        "survey.full_permille": rubric.survey.full_permille,
        "rosters.star_full_milli": rubric.rosters.star_full_milli,
        "patrols.rounds_per_day": rubric.patrols.rounds_per_day,
        "patrols.window_days": rubric.patrols.window_days,
        "trend.window_days": rubric.trend.window_days,
        "trend.incidents_min": rubric.trend.incidents_min,
        "trend.span_permille": rubric.trend.span_permille,
        "rectification.step_percent": rubric.rectification.step_percent,
        "stars.run_days": rubric.stars.run_days,
    }
    for key, value in positive.items():
        if value == 0:
            raise refuse(key, "must be more than 0")
    if len(rubric.hazards.clock_permille) != 3:
        raise refuse("hazards.clock_permille", "needs three shares: in time, late, very late")
    try:
        date(A_YEAR, *rubric.year.freeze_month_day)
    except (ValueError, TypeError):
        raise refuse("year.freeze_month_day", "must be the month and the day of a date") from None
    _check_rosters(rubric, refuse)


def _check_rosters(rubric: Rubric, refuse: Refuse) -> None:
    rosters = rubric.rosters
    full = {
        "roster_strength": rosters.guards_milli + rosters.licensed_milli + rosters.filed_milli,
        "roster_quality": rosters.star_milli + rosters.trained_milli,
    }
    for item in rubric.items.values():
        if item.model in full and full[item.model] != item.points_milli:
            raise refuse(f"items.{item.code}.points_milli", "must be the sum of the parts in rosters")
