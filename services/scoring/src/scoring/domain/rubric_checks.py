"""What the names in a rubric must be: items, models, codes, classes and kinds that the rules know."""

from collections.abc import Collection, Iterable

from scoring.domain.rubric_numbers import Refuse, check_numbers
from scoring.domain.rubric_sections import Item, Rubric

CODE_DIGITS = 6

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

# What a fact can say (contracts.md): another name in a rubric would never meet one.
CLASSES = frozenset({"immediate", "ordinary", "major", "capital"})
LEVELS = frozenset({"county", "security_case", "criminal_case"})
STATUSES = frozenset({"received", "filed", "accepted", "solved", "invalid"})
COOPERATION = frozenset(
    {
        "request_unanswered",
        "meeting_missed",
        "late_report",
        "concealment",
        "tip_solved_case",
        "guard_captured_suspect",
    }
)


def check(rubric: Rubric, refuse: Refuse) -> None:
    """Raises what `refuse` makes of the first key that breaks a rule, also one between numbers."""
    _check_items(rubric, refuse)
    _check_targets(rubric, refuse)
    _check_codes(rubric, refuse)
    _check_names(rubric, refuse)
    check_numbers(rubric, refuse)


def check_taxonomy(rubric: Rubric, taxonomy: Collection[str], refuse: Refuse) -> None:
    """Each code of the taxonomy must be scored or listed as unscored, and no other."""
    for name, (item, _) in rubric.codes.items():
        if name not in taxonomy:
            raise refuse(f"incidents.codes.{item}.{name}", "is not a code of the taxonomy")
    for name in sorted(set(rubric.incidents.unscored) ^ (set(taxonomy) - set(rubric.codes))):
        raise refuse(
            "incidents.unscored",
            f"{name} is neither scored nor listed" if name in taxonomy else f"{name} is not a code",
        )


def _check_items(rubric: Rubric, refuse: Refuse) -> None:
    seen: set[str] = set()
    for code, item in rubric.items.items():
        if item.category not in rubric.categories or not code[1:].isdecimal():
            raise refuse(f"items.{code}", "must be a letter of a category and a number")
        if item.model not in MODELS:
            raise refuse(f"items.{code}.model", f"must be one of {', '.join(sorted(MODELS))}")
        if item.model in AT_MOST_ONCE and item.model in seen:
            raise refuse(f"items.{code}.model", "may be given to one item only")
        _check_keys_of_model(f"items.{code}", item, refuse)
        seen.add(item.model)
    for category in rubric.categories:
        if all(item.category != category for item in rubric.items.values()):
            raise refuse(f"categories.{category}", "has no item")
    if sum(item.points_milli for item in rubric.items.values()) != rubric.full_milli:
        raise refuse("items", f"points_milli of all items must sum to {rubric.full_milli}")


def _check_keys_of_model(key: str, item: Item, refuse: Refuse) -> None:
    if (item.model == "decay") != bool(item.bands):
        raise refuse(key, "bands belong to the model decay, and it needs them")
    if item.findings_milli and "other" not in item.findings_milli:
        raise refuse(f"{key}.findings_milli", "needs a number for other")
    if item.model != "decay" and (item.findings_milli or item.sized):
        raise refuse(key, "findings_milli and sized belong to the model decay")
    if item.model != "state" and (item.moves_milli or item.status):
        raise refuse(key, "moves_milli and status belong to the model state")


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
    for name, (item, base) in rubric.codes.items():
        if len(name) != CODE_DIGITS or not name.isdecimal():
            raise refuse(f"incidents.codes.{item}.{name}", "a code of the taxonomy has six digits")
        if base == 0:
            raise refuse(f"incidents.codes.{item}.{name}", "costs nothing: list it as unscored")
        if name in rubric.incidents.unscored:
            raise refuse("incidents.unscored", f"{name} is scored under {item}")
    for code in rubric.incidents.preventable:
        if code not in rubric.codes:
            raise refuse("incidents.preventable", f"{code} is not a scored code")


def _check_names(rubric: Rubric, refuse: Refuse) -> None:
    """What names things must name those that there are."""
    kinds = (*rubric.cooperation, *rubric.bonus.cooperation_milli)
    named: list[tuple[str, Iterable[str], Collection[str]]] = [
        ("hazards.grave", rubric.hazards.grave, CLASSES),
        ("hazards.extension_unbounded", rubric.hazards.extension_unbounded, CLASSES),
        ("rectification.urgent", rubric.rectification.urgent, CLASSES),
        ("incidents.status_permille", rubric.incidents.status_permille, STATUSES),
        ("incidents.preventable_items", rubric.incidents.preventable_items, rubric.items),
        ("bonus.upgrade_categories", rubric.bonus.upgrade_categories, rubric.categories),
        ("bonus.cooperation_milli", rubric.bonus.cooperation_milli, COOPERATION),
        *(
            (f"cooperation.{item}.{name}", (name,), COOPERATION)
            for name, (item, _) in rubric.cooperation.items()
        ),
    ]
    for key, names, known in named:
        for name in names:
            if name not in known:
                raise refuse(key, f"{name} is none of {', '.join(sorted(known))}")
    if len(set(kinds)) != len(kinds):
        raise refuse("bonus.cooperation_milli", "what gains must not cost as well")
    if set(rubric.hazards.due_days) != CLASSES:
        raise refuse("hazards.due_days", "needs the four classes of hazards")
    if set(rubric.disputes.levels_milli) != LEVELS:
        raise refuse("disputes.levels_milli", "needs the three levels of escalation")
