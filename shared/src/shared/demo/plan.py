"""How much happens in the demo district: the only place with counts of the story.

The two years are windows of 365 days that end with the day before `today`; what is counted here is
exact in them. The figures are those the article reports of the first year of ratings: calls −12.62 %,
criminal and public-security cases −15.3 %, disputes −14.23 %, 17 of 58 compounds without a criminal case.

Of this year's valid calls 15.02 % are disputes at home and property crimes. The article gives 27.45 % for
criminal and public-security cases without its base: with the same one no district of this size has all
figures at once, so here it is the valid calls without traffic, which is not the station's own work.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Final


@dataclass(frozen=True, slots=True)
class Calls:
    """Valid calls (有效警情) of one year by what they are; no call is in two of these."""

    criminal_property: int  # robbery, theft, fraud in person
    criminal_other: int
    petty_theft: int
    public_security_other: int
    home_disputes: int  # between owners, on house repair, on decoration
    other_disputes: int
    traffic: int
    other: int

    @property
    def criminal(self) -> int:
        return self.criminal_property + self.criminal_other

    @property
    def public_security(self) -> int:
        return self.petty_theft + self.public_security_other

    @property
    def disputes(self) -> int:
        return self.home_disputes + self.other_disputes

    @property
    def valid(self) -> int:
        return self.criminal + self.public_security + self.disputes + self.traffic + self.other

    def scaled(self, scale: float) -> Calls:
        return Calls(**{field.name: round(getattr(self, field.name) * scale) for field in fields(self)})


@dataclass(frozen=True, slots=True)
class Plan:
    """Counts of a district; `…_days` are rhythms of one compound."""

    compounds: int = 58
    companies: int = 24
    communities: int = 9
    developers: int = 6
    last_year: Calls = Calls(
        criminal_property=55,
        criminal_other=49,
        petty_theft=50,
        public_security_other=114,
        home_disputes=48,
        other_disputes=198,
        traffic=30,
        other=431,
    )
    this_year: Calls = Calls(
        criminal_property=46,
        criminal_other=42,
        petty_theft=42,
        public_security_other=97,
        home_disputes=40,
        other_disputes=171,
        traffic=25,
        other=389,
    )
    without_criminal_case: int = 17  # compounds, this year
    invalid_calls: int = 40  # each year, beside the valid ones
    company_disputes: int = 60  # each year: reported by companies, no call to the police
    hazards: int = 700  # both years
    cooperations: int = 90
    upgrades: int = 36
    corrections: int = 40  # calls first recorded with a wrong code, then corrected
    withdrawals: int = 24  # calls recorded twice, then withdrawn
    objections: int = 10  # half of them upheld, each of those a withdrawal more
    repeats: int = 60  # events that are sent once more, as after a lost answer
    late_compounds: int = 1  # registered after their facts have arrived
    late_facts: int = 12  # facts of each of them
    inspection_days: int = 45
    patrol_days: int = 15
    roster_days: int = 120
    volunteer_days: int = 85
    facility_days: int = 90
    survey_days: int = 300

    def scaled(self, scale: float) -> Plan:
        """The same district, `scale` times as large; at least one of everything that is needed."""
        if scale == 1.0:
            return self
        counts = {name: max(1, round(getattr(self, name) * scale)) for name in _SCALED}
        compounds = max(6, round(self.compounds * scale))
        return replace(
            self,
            **counts,
            compounds=compounds,
            companies=max(3, round(self.companies * scale)),
            last_year=self.last_year.scaled(scale),
            this_year=self.this_year.scaled(scale),
            without_criminal_case=min(compounds - 2, round(self.without_criminal_case * scale)),
        )


_SCALED: Final = (
    "communities",
    "developers",
    "invalid_calls",
    "company_disputes",
    "hazards",
    "cooperations",
    "upgrades",
    "corrections",
    "withdrawals",
    "objections",
    "repeats",
)
