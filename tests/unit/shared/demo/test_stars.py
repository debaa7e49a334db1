"""Under the real rubric the invented district has compounds of every star, from none to five."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date
from importlib.resources import files

from scoring.domain.book import Book
from scoring.domain.facts import Fact
from scoring.domain.registry import CompanyRevision, CompoundRevision, Registry
from scoring.domain.revisions import counted
from scoring.domain.rubric import parse
from scoring.translate import company_revision_from, compound_revision_from, fact_from
from shared.demo.district import ZONE, build_district
from shared.demo.story import tell
from shared.events.catalogue import Family, lookup
from shared.events.envelope import decode_envelope
from shared.events.registry import CompanyRegistered, CompoundRegistered

TODAY = date(2026, 11, 24)


def test_stars_spread_from_none_to_five() -> None:
    compounds: defaultdict[str, list[CompoundRevision]] = defaultdict(list)
    companies: list[CompanyRevision] = []
    facts: defaultdict[str, list[Fact]] = defaultdict(list)
    for event in tell(build_district(seed=7, today=TODAY)):
        envelope = decode_envelope(event.raw)
        event_type = lookup(event.type)
        data = event_type.decode(envelope.data)
        if isinstance(data, CompoundRegistered):
            compounds[event.subject].append(compound_revision_from(envelope, data))
        elif isinstance(data, CompanyRegistered):
            companies.append(company_revision_from(envelope, data))
        elif event_type.family is Family.FACT:
            facts[event.subject].append(fact_from(envelope, data, ZONE))
    rubric = parse((files("scoring") / "rubrics" / "shangyu-v1.toml").read_text("utf-8"))
    stars: Counter[int | None] = Counter()
    for compound, revisions in compounds.items():
        book = Book(compound, rubric, Registry(revisions, companies))
        for fact in counted(facts[compound]).values():
            book.add(fact)
        book.close_through(TODAY.toordinal() - 1)
        stars[book.standing(TODAY.toordinal()).star] += 1
    assert stars.total() == 58
    assert min(stars[star] for star in (0, 2, 3, 4, 5)) >= 3
    assert stars[None] == 1
