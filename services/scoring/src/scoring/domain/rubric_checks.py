"""What must hold between the numbers of a rubric so that the rules can work with them."""

from collections.abc import Callable, Mapping

from scoring.domain.rubric_sections import Bands, Rubric

CODE_DIGITS = 6

Refuse = Callable[[str, str], Exception]
"""(key, rule) → the error to raise."""

MODELS = frozenset(
    {
        "decay",
        "state",
        "patrols",
        "roster_strength",
        "roster_quality",
        "volunteers",
        "trend",
        "rectification",
        "survey",
    }
)
"""The models that scoring.domain interprets."""

AT_MOST_ONCE = MODELS - {"decay", "state"}


def check(rubric: Rubric, refuse: Refuse) -> None:
    """Raises what `refuse` makes of the first key that breaks a rule."""
    _check_items(rubric, refuse)
    _check_targets(rubric, refuse)
    _check_codes(rubric, refuse)
    _check_bands(rubric, refuse)
    _check_stars(rubric, refuse)
    _check_parameters(rubric, refuse)


def _check_items(rubric: Rubric, refuse: Refuse) -> None:
    seen: set[str] = set()
    for code, item in rubric.items.items():
        key = f"items.{code}"
        if item.category not in rubric.categories or not code[1:].isdecimal():
            raise refuse(key, "must be a letter of a category and a number")
        if item.model not in MODELS:
            raise refuse(f"{key}.model", f"must be one of {', '.join(sorted(MODELS))}")
        if item.model in AT_MOST_ONCE and item.model in seen:
            raise refuse(f"{key}.model", "may be given to one item only")
        if (item.model == "decay") != bool(item.bands):
            raise refuse(key, "bands belong to the model decay, and it needs them")
        if item.findings_milli and "other" not in item.findings_milli:
            raise refuse(f"{key}.findings_milli", "needs a number for other")
        seen.add(item.model)
    if sum(item.points_milli for item in rubric.items.values()) != rubric.full_milli:
        raise refuse("items", f"points_milli of all items must sum to {rubric.full_milli}")


def _check_targets(rubric: Rubric, refuse: Refuse) -> None:
    """What names an item must name one of the model that can take it."""
    decays = [
        *((f"incidents.codes.{item}.{name}", item) for name, (item, _) in rubric.codes.items()),
        *((f"cooperation.{item}.{name}", item) for name, (item, _) in rubric.cooperation.items()),
        *(("trend.items", item) for item in rubric.trend.items),
        ("disputes.item", rubric.disputes.item),
        ("disputes.handling_item", rubric.disputes.handling_item),
    ]
    states = [
        *(
            (f"items.{code}.moves_milli", to)
            for code, item in rubric.items.items()
            for to in item.moves_milli
        ),
        *(("stars.evidence_items", item) for item in rubric.stars.evidence_items),
    ]
    for model, targets in (("decay", decays), ("state", states)):
        for key, code in targets:
            if code not in rubric.items or rubric.items[code].model != model:
                raise refuse(key, f"{code} is not an item of model {model}")
    for code, item in rubric.items.items():
        if item.moves_milli and sum(item.moves_milli.values()) != item.points_milli:
            raise refuse(f"items.{code}.moves_milli", "must sum to the points of the item")


def _check_codes(rubric: Rubric, refuse: Refuse) -> None:
    for name, (item, _) in rubric.codes.items():
        if len(name) != CODE_DIGITS or not name.isdecimal():
            raise refuse(f"incidents.codes.{item}.{name}", "a code of the taxonomy has six digits")
        if name in rubric.incidents.unscored:
            raise refuse("incidents.unscored", f"{name} is scored under {item}")
    for code in rubric.incidents.preventable:
        if code not in rubric.codes:
            raise refuse("incidents.preventable", f"{code} is not a scored code")


def _check_bands(rubric: Rubric, refuse: Refuse) -> None:
    named: Mapping[str, Bands] = {
        **{f"items.{code}.bands": item.bands for code, item in rubric.items.items()},
        "bonus.bands": rubric.bonus.bands,
        "hazards.residue": rubric.hazards.residue,
    }
    for key, bands in named.items():
        ages = [age for age, _ in bands]
        if ages != sorted(set(ages)) or 0 in ages:
            raise refuse(key, "ages must ascend and be more than 0")
        if any(weight > 1_000 for _, weight in bands):
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
        "state.pass_permille": rubric.state.pass_permille,
        "state.status_span_permille": rubric.state.status_span_permille,
        "survey.households_per_asked": rubric.survey.households_per_asked,
        "survey.full_permille": rubric.survey.full_permille,
        "rosters.star_full_milli": rubric.rosters.star_full_milli,
        "patrols.rounds_per_day": rubric.patrols.rounds_per_day,
        "stars.run_days": rubric.stars.run_days,
    }
    for key, value in positive.items():
        if value == 0:
            raise refuse(key, "must be more than 0")
    if len(rubric.hazards.clock_permille) != 3:
        raise refuse("hazards.clock_permille", "needs three shares: in time, late, very late")
    if set(rubric.hazards.due_days) != {"immediate", "ordinary", "major", "capital"}:
        raise refuse("hazards.due_days", "needs the four classes of hazards")
    if set(rubric.disputes.levels_milli) != {"county", "security_case", "criminal_case"}:
        raise refuse("disputes.levels_milli", "needs the three levels of escalation")
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
