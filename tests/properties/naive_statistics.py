"""Statistics counted the slow way, from the words: nothing is shared with the product but values of facts."""

from collections.abc import Iterable
from fractions import Fraction

from scoring.domain.facts import Fact

from tests.properties.naive_rubric import heads

PROPERTY = {
    "010200", "010301", "010302", "010303", "010304", "010305", "010306", "010702", "020200",
}  # fmt: skip
AT_HOME = {"080101", "080103", "080104"}
SHARES = {"home_disputes_and_property_crimes": "calls", "cases": "calls_without_traffic"}


def figures_of(fact: Fact) -> set[str]:
    """The figures that count a fact, if its revision is the one that counts."""
    if fact.withdrawn or fact.kind != "incident.recorded":
        return set()
    call = fact.data
    if call.status == "invalid" or call.code == "090000" or call.place == "outside":
        return set()
    found = {"calls"}
    if call.code != "030000":
        found.add("calls_without_traffic")
    if call.code[:2] == "08":
        found.add("disputes")
    if call.code in PROPERTY | AT_HOME:
        found.add("home_disputes_and_property_crimes")
    if call.status != "received" and call.code[:2] == "01":
        found |= {"cases", "criminal_cases"}
    if call.status != "received" and call.code[:2] == "02":
        found |= {"cases", "public_security_cases"}
    return found


def counts(facts: Iterable[Fact], last: int) -> dict[str, tuple[int, int]]:
    """How many in the 365 days up to `last`, and in the 365 before, of all revisions of one compound."""
    found = {}
    for fact in heads(facts):
        age = last - fact.day
        if 0 <= age < 730:
            for name in figures_of(fact):
                within, before = found.get(name, (0, 0))
                found[name] = (within + (age < 365), before + (age >= 365))
    return found


def untouched(facts: Iterable[Fact], last: int) -> bool:
    """Whether a compound, by all revisions, had no criminal case in the 365 days up to `last`."""
    return not any(
        0 <= last - fact.day < 365 and "criminal_cases" in figures_of(fact) for fact in heads(facts)
    )


def change(within: int, before: int) -> int | None:
    return None if before == 0 else half_away(Fraction((within - before) * 10_000, before))


def share(part: int, whole: int) -> int | None:
    return None if whole == 0 else half_away(Fraction(part * 10_000, whole))


def half_away(exact: Fraction) -> int:
    down = exact.numerator // exact.denominator
    rest = exact - down
    return down + 1 if rest > Fraction(1, 2) or (rest == Fraction(1, 2) and exact > 0) else down
