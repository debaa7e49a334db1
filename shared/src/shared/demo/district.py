"""An invented district: compounds with their companies and all who are concerned, repeatable by its seed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

from shared.demo import names
from shared.demo.event import Event, Pen
from shared.demo.plan import Plan
from shared.events import registry

ZONE: Final = ZoneInfo("Asia/Shanghai")
CONSOLE: Final = "urn:anxing:demo:console"
# Two windows of 365 days, and time before them for the three months without a rating.
FOUNDED_DAYS_AGO: Final = 740

STATION: Final = "S01"
SUB_BUREAU: Final = "F01"
BUREAU: Final = "F00"
STREET: Final = "J01"
CONSTRUCTION_BUREAU: Final = "B01"


@dataclass(frozen=True, slots=True)
class Company:
    """A property company; `permit_to` is the last day of its construction permit."""

    id: str
    name: str
    permit_to: date


@dataclass(frozen=True, slots=True)
class Compound:
    """A compound; `quality` 0 to 1 says how well it is kept, the story follows from it."""

    id: str
    name: str
    quality: float
    households: int
    occupied: int
    buildings: int
    gates: int
    company_id: str
    former_company_id: str | None
    community_id: str
    developer_id: str
    committee_id: str
    enrolled_on: date
    late: bool


@dataclass(frozen=True, slots=True)
class District:
    """All there is on `today`; the same seed, day and plan give the same district."""

    seed: int
    today: date
    plan: Plan
    compounds: tuple[Compound, ...]
    companies: tuple[Company, ...]
    organisations: tuple[tuple[str, registry.OrganisationRegistered], ...]

    @property
    def name(self) -> str:
        """What the live screen is headed with."""
        return f"{names.TOWN}派出所辖区"

    @property
    def end(self) -> datetime:
        """The story ends at local midnight of `today`; from then on the live feed tells."""
        return midnight(self.today)

    def rng(self, purpose: str) -> Random:
        """A source of chance of its own for `purpose`, so that one part never shifts another."""
        return Random(f"{self.seed}:{self.today}:{purpose}")  # noqa: S311 - a repeatable story

    def pen(self, purpose: str) -> Pen:
        """A pen of its own for `purpose`."""
        return Pen(f"{self.seed}:{self.today}:{purpose}")


def midnight(day: date) -> datetime:
    """The beginning of a local day."""
    return datetime.combine(day, time(), tzinfo=ZONE)


def build_district(*, seed: int, today: date, scale: float = 1.0, plan: Plan | None = None) -> District:
    """A district of 58 compounds, 24 companies and 9 communities (times `scale`) as of `today`."""
    plan = (plan or Plan()).scaled(scale)
    rng = Random(f"{seed}:district")  # noqa: S311 - a repeatable story, not a secret
    founded = today - timedelta(days=FOUNDED_DAYS_AGO)
    companies = _companies(rng, plan, today)
    communities = names.community_names(rng)
    developers = names.developer_names(rng)
    organisations: list[tuple[str, str, str, str | None]] = [
        (BUREAU, "bureau", f"{names.COUNTY}市公安局", None),
        (SUB_BUREAU, "sub_bureau", f"{names.COUNTY}市公安局{names.TOWN}分局", BUREAU),
        (STATION, "station", f"{names.TOWN}派出所", SUB_BUREAU),
        (STREET, "street", f"{names.TOWN}街道办事处", None),
        (CONSTRUCTION_BUREAU, "construction_bureau", f"{names.COUNTY}市建设局", None),
        *((f"Q{n:02}", "community", next(communities), STREET) for n in range(1, plan.communities + 1)),
        *((f"K{n:02}", "developer", next(developers), None) for n in range(1, plan.developers + 1)),
    ]
    compounds = _compounds(rng, plan, today, companies)
    organisations += [(c.committee_id, "committee", f"{c.name}业主委员会", c.community_id) for c in compounds]
    return District(
        seed=seed,
        today=today,
        plan=plan,
        compounds=compounds,
        companies=companies,
        organisations=tuple(
            (
                organisation_id,
                registry.OrganisationRegistered(
                    kind=kind,  # type: ignore[arg-type] # literals above, checked by tests
                    name=name,
                    parent_id=parent,
                    effective_from=founded,
                ),
            )
            for organisation_id, kind, name, parent in organisations
        ),
    )


def _companies(rng: Random, plan: Plan, today: date) -> tuple[Company, ...]:
    pool = names.company_names(rng)
    companies = [
        Company(f"P{n:02}", next(pool), today + timedelta(days=rng.randint(120, 900)))
        for n in range(1, plan.companies + 1)
    ]
    # The last one let its permit run out: its compound loses its eligibility.
    last = companies[-1]
    companies[-1] = Company(last.id, last.name, today - timedelta(days=20))
    return tuple(companies)


def _compounds(rng: Random, plan: Plan, today: date, companies: tuple[Company, ...]) -> tuple[Compound, ...]:
    pool = names.compound_names(rng)
    founded = today - timedelta(days=FOUNDED_DAYS_AGO)
    # Evenly from the best to the worst kept, in an order that the ids do not give away.
    qualities = [(n + 0.5) / plan.compounds for n in range(plan.compounds)]
    rng.shuffle(qualities)
    compounds: list[Compound] = []
    for number, quality in enumerate(qualities, start=1):
        households = rng.randrange(240, 2600, 4)
        occupied = households * rng.randint(62, 96) // 100
        late = number > plan.compounds - plan.late_compounds
        # All companies have a compound; the one without a permit has exactly one.
        company = (
            companies[-1] if number == len(companies) else companies[(number - 1) % (len(companies) - 1)]
        )
        enrolled = founded
        match number:
            case 3:  # less than half occupied: not eligible
                occupied = households * 45 // 100
            case 4:
                enrolled = today - timedelta(days=210)
            case 5:  # not yet rated
                enrolled = today - timedelta(days=62)
        if late:
            enrolled = today - timedelta(days=300)
        compounds.append(
            Compound(
                id=f"C{number:05}",
                name=next(pool),
                quality=quality,
                households=households,
                occupied=occupied,
                buildings=max(3, households // 90),
                gates=rng.choice((1, 2, 2, 3)),
                company_id=company.id,
                former_company_id=companies[0].id if number in {7, 8} else None,
                community_id=f"Q{(number - 1) % plan.communities + 1:02}",
                developer_id=f"K{rng.randint(1, plan.developers):02}",
                committee_id=f"Y{number:05}",
                enrolled_on=enrolled,
                late=late,
            )
        )
    return tuple(compounds)


def registrations(district: District, *, late: bool = False) -> Iterator[Event]:
    """The registry of the district; with `late` only the compounds that are registered after their facts."""
    pen = district.pen("registry-late" if late else "registry")
    founded = district.today - timedelta(days=FOUNDED_DAYS_AGO)
    opening = midnight(founded)
    if not late:
        for organisation_id, organisation in district.organisations:
            yield pen.write(organisation_id, opening, organisation, source=CONSOLE)
        for company in district.companies:
            yield pen.write(company.id, opening, _company_data(company, founded), source=CONSOLE)
    for compound in district.compounds:
        if compound.late is late:
            yield from _compound_revisions(district, compound, pen)


def _company_data(company: Company, founded: date) -> registry.CompanyRegistered:
    return registry.CompanyRegistered(
        name=company.name,
        construction_permit=registry.Permit(
            number=f"示例许-{company.id}", valid_from=founded - timedelta(days=90), valid_to=company.permit_to
        ),
        market_registration=registry.Permit(
            number=f"示例照-{company.id}",
            valid_from=founded - timedelta(days=700),
            valid_to=founded + timedelta(days=4000),
        ),
        effective_from=founded,
    )


def _compound_revisions(district: District, compound: Compound, pen: Pen) -> Iterator[Event]:
    first = _compound_data(compound, compound.former_company_id or compound.company_id, compound.enrolled_on)
    written_at = district.end - timedelta(hours=6) if compound.late else midnight(compound.enrolled_on)
    yield pen.write(compound.id, written_at, first, source=CONSOLE)
    if compound.former_company_id is not None:
        changed_on = district.today - timedelta(days=400)
        after = _compound_data(compound, compound.company_id, changed_on)
        yield pen.write(compound.id, midnight(changed_on), after, source=CONSOLE)


def _compound_data(compound: Compound, company_id: str, effective_from: date) -> registry.CompoundRegistered:
    return registry.CompoundRegistered(
        name=compound.name,
        households=compound.households,
        occupied_households=compound.occupied,
        buildings=compound.buildings,
        enclosed=True,
        enrolled_on=compound.enrolled_on,
        company_id=company_id,
        community_id=compound.community_id,
        station_id=STATION,
        street_id=STREET,
        developer_id=compound.developer_id,
        committee_id=compound.committee_id,
        effective_from=effective_from,
    )
