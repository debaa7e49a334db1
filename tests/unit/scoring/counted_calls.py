"""Calls of facts in memory, tallied for the statistics as the store tallies them in the database."""

from collections import Counter
from collections.abc import Collection, Iterable
from datetime import date, tzinfo
from importlib.resources import files

from scoring.domain.facts import Fact, IncidentRecorded
from scoring.domain.figures import Definitions, parse
from scoring.domain.revisions import counted
from scoring.domain.statistics import Period, Statistics, Tally
from scoring.domain.statistics import statistics as of_tallies
from scoring.translate import fact_from
from shared.events.catalogue import lookup
from shared.events.envelope import decode_envelope

from tests.unit.scoring.rubric_examples import rubric


def definitions() -> Definitions:
    return parse(files("scoring").joinpath("statistics.toml").read_text("utf-8"), rubric().incidents)


def counted_facts(events: Iterable[bytes], zone: tzinfo) -> list[Fact]:
    """The counted revision of every fact, withdrawals included."""
    by_compound: dict[str, list[Fact]] = {}
    for raw in events:
        envelope = decode_envelope(raw)
        fact = fact_from(envelope, lookup(envelope.type).decode(envelope.data), zone)
        by_compound.setdefault(fact.compound, []).append(fact)
    return [fact for facts in by_compound.values() for fact in counted(facts).values()]


def statistics(facts: Iterable[Fact], last: date) -> Statistics:
    """The statistics of counted facts for the 365 days that end with `last`."""
    period = Period(last.toordinal())
    within: Counter[tuple[str, str, str]] = Counter()
    before: Counter[tuple[str, str, str]] = Counter()
    for fact in facts:
        if isinstance(fact.data, IncidentRecorded):
            alike = (fact.data.code, fact.data.status, fact.data.place)
            within[alike] += period.first <= fact.day <= period.last
            before[alike] += period.first_before <= fact.day <= period.last_before
    return of_tallies(
        definitions(), [Tally(*alike, within[alike], before[alike]) for alike in within | before]
    )


def untouched(facts: Iterable[Fact], last: date, compounds: Collection[str]) -> set[str]:
    """Those of the compounds that are listed, because nothing of one figure happened there."""
    rules, period = definitions(), Period(last.toordinal())
    figure = rules.figures[rules.untouched_by]
    return set(compounds) - {
        fact.compound
        for fact in facts
        if isinstance(fact.data, IncidentRecorded)
        and period.first <= fact.day <= period.last
        and rules.counts(figure, fact.data.code, fact.data.status, fact.data.place)
    }
