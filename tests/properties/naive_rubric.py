"""The rubric computed the slow way: every day anew, from the whole set of facts.

Nothing here is shared with the product but the values that facts are made of. It follows the text of the
rubric section by section, keeps no state and has no idea of steps, caches or groups that are over.
"""

from collections import defaultdict
from datetime import date
from typing import NamedTuple

from scoring.domain.facts import Fact
from scoring.domain.registry import CompanyRevision, CompoundRevision

P = {
    "A1": 5000, "A2": 5000, "A3": 4000, "A4": 3000, "A5": 3000,
    "B1": 5000, "B2": 4000, "B3": 3000, "B4": 3000,
    "C1": 8000, "C2": 6000, "C3": 3000, "C4": 3000,
    "D1": 12000, "D2": 8000, "D3": 5000,
    "E1": 5000, "E2": 5000,
    "F1": 4000, "F2": 2000, "F3": 3000, "F4": 1000,
}  # fmt: skip
STATE = ["B1", "B2", "B3", "B4", "C1", "C2", "C3", "C4"]
BANDS = {
    "b60": [(60, 1000), (120, 500), (180, 250)],
    "b90": [(90, 1000), (180, 500), (365, 250)],
    "b120": [(120, 1000), (240, 500), (365, 250)],
    "b180": [(180, 1000), (365, 500)],
}
D1 = {
    "010200": 5000, "010301": 4000, "010302": 3000, "010303": 1500, "010304": 1500, "010305": 1500,
    "010306": 1000, "020200": 750, "020500": 1500,
}  # fmt: skip
D2 = {
    "010100": 5000, "010400": 3000, "010500": 5000, "010600": 5000, "010702": 1000, "010800": 5000,
    "019900": 3000, "020100": 1000, "020300": 1000, "020400": 1000, "020600": 1000, "020800": 1500,
    "029900": 1000, "040100": 2500, "040101": 5000, "040200": 2500, "070100": 5000,
}  # fmt: skip
E1 = {
    "080101": 300, "080102": 300, "080103": 300, "080104": 300, "080105": 300, "080106": 300,
    "080107": 200, "080108": 300,
}  # fmt: skip
LADDER = [0, 2, 3, 4, 5]


class Day(NamedTuple):
    """What the naive way says of a day."""

    score: int | None
    items: dict[str, int]
    bonus: int
    unverified: list[str]
    full: dict[str, int]
    evidence_missing: bool
    caps: list[tuple[str, int]]


def weight(band: str, age: int) -> int:
    if age < 0:
        return 0
    for limit, permille in BANDS[band]:
        if age < limit:
            return permille
    return 0


def head(revisions):
    """The revision that counts: the highest; equal: smallest receivedtime, then smallest hash."""
    highest = max(one.revision for one in revisions)
    return min(
        (one for one in revisions if one.revision == highest),
        key=lambda one: (one.received_us, one.fingerprint),
    )


def heads(revisions):
    by_root = defaultdict(list)
    for one in revisions:
        by_root[one.root].append(one)
    return [head(ones) for ones in by_root.values()]


class Naive:
    """All facts (every revision that ever arrived) and registrations of one compound."""

    def __init__(
        self, facts: list[Fact], compounds: list[CompoundRevision], companies: list[CompanyRevision] = ()
    ) -> None:
        self.registrations = sorted(
            heads(compounds), key=lambda r: (r.effective_from, r.received_us, r.event_id)
        )
        self.companies = sorted(heads(companies), key=lambda r: (r.effective_from, r.received_us, r.event_id))
        dates = [r.enrolled_on for r in self.registrations if r.enrolled_on is not None]
        self.e = min(dates) if dates else None
        self.all = [f for f in heads(facts) if not f.withdrawn and self.enrolled(f.day)]
        self.all.sort(key=lambda f: (f.day, f.instant_us, f.event_id.lower()))

    # Section 1

    def force(self, d: int) -> CompoundRevision | None:
        found = self.registrations[0] if self.registrations else None
        for revision in self.registrations:
            if revision.effective_from <= d:
                found = revision
        return found

    def enrolled(self, d: int) -> bool:
        r = self.force(d)
        if r is None or r.enrolled_on is None:
            return False
        return r.enrolled_on <= d and (r.withdrawn_on is None or d < r.withdrawn_on)

    def until(self, d: int, *kinds: str) -> list[Fact]:
        return [f for f in self.all if f.day <= d and f.kind in kinds]

    # Section 2

    def f(self, d: int) -> int:
        return min(2500, 1_500_000 // (self.force(d).occupied_households + 500))

    def need(self, d: int) -> int:
        households = self.force(d).households
        return max(1, households // 200 + (1 if households % 200 else 0))

    # Section 3: hazards

    def hazards(self, d: int) -> list[dict]:
        by_id = defaultdict(list)
        kinds = [f"hazard.{verb}" for verb in ("opened", "rectified", "verified", "rejected", "extended")]
        for fact in self.until(d, *kinds):
            by_id[fact.data.hazard_id].append(fact)
        found = []
        for facts in by_id.values():
            openings = [f for f in facts if f.kind == "hazard.opened"]
            if not openings:
                continue
            opened = openings[0]
            later = facts[facts.index(opened) + 1 :]
            verified = next((f for f in later if f.kind == "hazard.verified"), None)
            if verified is not None:
                later = later[: later.index(verified)]
            original = opened.data.due
            if original is None:
                days = {"immediate": 1, "ordinary": 3, "major": 7, "capital": 90}
                original = opened.day + days[opened.data.hazard_class]
            due = original
            for fact in later:
                if fact.kind != "hazard.extended" or fact.day > due or fact.data.due <= due:
                    continue
                if opened.data.hazard_class == "capital" or fact.data.due - original <= 15:
                    due = fact.data.due
            last_rejection = -1
            for place, fact in enumerate(later):
                if fact.kind == "hazard.rejected":
                    last_rejection = place
            standing = next((f for f in later[last_rejection + 1 :] if f.kind == "hazard.rectified"), None)
            clock = d if standing is None else min(d, standing.day)
            m = 1000 if clock <= due else 1500 if clock <= due + 15 else 2000
            if standing is not None:
                on_time = standing.day <= due and verified is not None
                judged = standing.day > due or verified is not None
            else:
                on_time = verified is not None and verified.day <= due
                judged = True
            found.append(
                {
                    "opened": opened, "verified": verified, "due": due, "m": m, "on_time": on_time,
                    "judged": judged, "overdue": clock - due, "class": opened.data.hazard_class,
                }
            )  # fmt: skip
        return found

    def hazard_loss(self, hazard: dict, d: int) -> int:
        points = hazard["opened"].data.points_milli
        if hazard["verified"] is None:
            return points * hazard["m"] // 1000
        if hazard["opened"].by_company and hazard["on_time"]:
            return 0
        age = d - hazard["verified"].day
        return points * 250 // 1000 if age < 90 else points * 125 // 1000 if age < 180 else 0

    # Section 3: STATE

    def checkpoints(self, item: str, d: int) -> dict[str, str]:
        """The latest result of each checkpoint."""
        worst = ["fail", "partial", "pass", "na"]
        results = []
        for fact in self.until(d, "inspection.recorded"):
            of_fact: dict[str, str] = {}
            for check in fact.data.checks:
                if check.item == item:
                    before = of_fact.get(check.checkpoint, "na")
                    of_fact[check.checkpoint] = min(before, check.result, key=worst.index)
            results += [
                ((fact.day, fact.instant_us, fact.event_id.lower()), at, r) for at, r in of_fact.items()
            ]
        for hazard in self.hazards(d):
            data, verified = hazard["opened"].data, hazard["verified"]
            if data.item == item and verified is not None:
                order = (verified.day, verified.instant_us, verified.event_id.lower())
                results.append((order, data.checkpoint, "pass"))
        results.sort(key=lambda one: (one[0], worst.index(one[2])))
        return {at: (result, order[0]) for order, at, result in results}

    def status(self, item: str, d: int) -> Fact | None:
        found = [f for f in self.until(d, "facility.status") if f.data.item == item and f.data.total > 0]
        return found[-1] if found else None

    def evidence(self, item: str, d: int) -> int | None:
        days = [day for _, day in self.checkpoints(item, d).values()]
        status = self.status(item, d)
        if status is not None:
            days.append(status.day)
        return max(days) if days else None

    def full(self, item: str, d: int) -> int:
        c3 = self.checkpoints("C3", d)
        absent = bool(c3) and all(result == "na" for result, _ in c3.values())
        if absent:
            return {"C3": 0, "C1": 10000, "C2": 7000}.get(item, P[item])
        return P[item]

    def state(self, item: str, d: int) -> int:
        full = self.full(item, d)
        open_at = {h["opened"].data.checkpoint for h in self.hazards(d)
                   if h["verified"] is None and h["opened"].data.item == item}  # fmt: skip
        weights = []
        for at, (result, _) in self.checkpoints(item, d).items():
            if result != "na":
                weights.append(1000 if at in open_at else {"pass": 1000, "partial": 500, "fail": 0}[result])
        loss = full * (1000 - sum(weights) // len(weights)) // 1000 if weights else 0
        if item in ("C1", "C2"):
            status = self.status(item, d)
            if status is not None:
                share = status.data.online * 1000 // status.data.total
                q = 0 if share <= 600 else min((share - 600) * 1000 // 400, 1000)
                loss = max(loss, full * (1000 - q) // 1000)
        for hazard in self.hazards(d):
            if hazard["opened"].data.item == item:
                loss += self.hazard_loss(hazard, d)
        points = max(0, full - loss)
        evidence = self.evidence(item, d)
        if d - (self.e if evidence is None else evidence) > 180:
            points = min(points, full * 600 // 1000)
        return points

    # Section 4: DECAY

    def charged(self, facts: list[tuple[int, int, int, int]], band: str, d: int) -> int:
        """The sum over (day, base, f, r)."""
        return sum(
            base * f * r * weight(band, d - day) // 1_000_000_000 for day, base, f, r in facts if day <= d
        )

    def findings(self, item: str, bases: dict[str, int], d: int) -> list[tuple[int, int, int, int]]:
        weeks = {}
        for fact in self.until(d, "inspection.recorded"):
            for check in fact.data.checks:
                if check.item != item or check.result not in ("fail", "partial"):
                    continue
                r = 1000 if check.result == "fail" else 500
                key = (check.checkpoint, check.finding or "", (fact.day - 1) // 7)
                if key not in weeks or r > weeks[key][3]:
                    weeks[key] = (fact.day, bases.get(check.finding, bases["other"]), 1000, r)
        return list(weeks.values())

    def incidents(self, d: int, codes: dict[str, int]) -> list[tuple[int, int, int, int]]:
        found = []
        for fact in self.until(d, "incident.recorded"):
            data = fact.data
            if data.code not in codes or data.status not in ("filed", "accepted", "solved"):
                continue
            if data.place == "outside" or data.attempted_stopped or data.proactive:
                continue
            r = 600 if data.status == "solved" else 1000
            found.append((fact.day, codes[data.code], self.f(fact.day), r))
        return found

    def cooperation(self, d: int, bases: dict[str, int]) -> list[tuple[int, int, int, int]]:
        return [
            (fact.day, bases[fact.data.kind], 1000, 1000)
            for fact in self.until(d, "cooperation.recorded")
            if fact.data.kind in bases
        ]

    def disputes(self, d: int) -> tuple[list, list]:
        """Charges of E1 and E2."""
        by_id = defaultdict(list)
        for fact in self.until(d, "dispute.recorded", "dispute.mediated", "dispute.escalated"):
            by_id[fact.data.dispute_id].append(fact)
        first, second = [], []
        for facts in by_id.values():
            recorded = next((f for f in facts if f.kind == "dispute.recorded"), None)
            if recorded is not None and recorded.data.code not in E1:
                continue
            levels = ["county", "security_case", "criminal_case"]
            escalations = [f for f in facts if f.kind == "dispute.escalated"]
            if escalations:
                top = max(levels.index(f.data.level) for f in escalations)
                one = next(f for f in escalations if levels.index(f.data.level) == top)
                second.append((one.day, [2000, 2000, 3000][top], 1000, 1000))
            if recorded is None:
                continue
            day = recorded.day
            mediated = any(f.kind == "dispute.mediated" and f.day < day + 7 for f in facts)
            if recorded.data.incident is None and not (recorded.by_company and mediated):
                first.append((day, E1[recorded.data.code], self.f(day), 1000))
            if recorded.data.repeat:
                second.append((day, 500, self.f(day), 1000))
            if not mediated:
                second.append((day + 7, 500, self.f(day + 7), 1000))
        return first, second

    def rate(self, d: int) -> int:
        """F1."""
        loss = 0
        for classes, step in ((("immediate", "major"), 2000), (("ordinary", "capital"), 1000)):
            judged = [
                h for h in self.hazards(d)
                if h["class"] in classes and h["due"] < d and d - h["due"] < 180 and h["judged"]
            ]  # fmt: skip
            on_time = sum(1 for h in judged if h["on_time"])
            percent = on_time * 100 // len(judged) if judged else 100
            loss += min(step * (100 - percent) // 10, 1000 * (len(judged) - on_time))
        return max(0, 4000 - loss)

    def trend(self, d: int) -> int:
        """D3."""
        charged = self.incidents(d, D1 | D2)
        recent = [base for day, base, _, _ in charged if d - day < 365]
        older = [base for day, base, _, _ in charged if 365 <= d - day < 730]
        if not recent:
            return 5000
        if d - self.e < 729 or len(older) < 5:
            return 3000
        change = sum(recent) * 1000 // sum(older) - 1000
        return 5000 * max(0, min(200, 100 - change)) // 200

    def bonus(self, d: int) -> int:
        gains = self.cooperation(d, {"tip_solved_case": 1000, "guard_captured_suspect": 2000})
        last: dict[str, int] = {}
        for fact in self.until(d, "facility.upgraded"):
            item = fact.data.item
            if item not in P or item[0] not in "BC":
                continue
            if item not in last or fact.day - last[item] >= 365:
                last[item] = fact.day
                gains.append((fact.day, 1000, 1000, 1000))
        return min(5000, self.charged(gains, "b180", d))

    def day(self, d: int) -> Day:
        """Everything of one day."""
        caps = self.caps(d)
        if not self.enrolled(d):
            return Day(None, {}, 0, [], {}, evidence_missing=False, caps=caps)
        grace = d - self.e < 90
        items, unverified = {}, []

        def dagger(item: str, points: int | None) -> None:
            if points is None:
                unverified.append(item)
                points = P[item] if grace else 0
            items[item] = points

        def decay(item: str, charges: list, band: str) -> None:
            items[item] = max(0, P[item] - self.charged(charges, band, d))

        decay("A1", self.findings("A1", {"post_empty": 1500, "no_register": 500, "other": 500}, d), "b60")
        dagger("A2", self.patrols(d))
        rosters = self.until(d, "guards.updated")
        dagger("A3", self.strength(rosters[-1].data, d) if rosters else None)
        dagger("A4", self.quality(rosters[-1].data, d) if rosters else None)
        active = [f.data.active for f in self.until(d, "volunteers.logged") if d - f.day < 90]
        dagger("A5", 3000 * min(max(active), self.need(d)) // self.need(d) if active else None)
        for item in STATE:
            items[item] = self.state(item, d)
            if self.evidence(item, d) is None:
                unverified.append(item)
        decay("D1", self.incidents(d, D1), "b90")
        decay("D2", self.incidents(d, D2), "b90")
        items["D3"] = self.trend(d)
        first, second = self.disputes(d)
        decay("E1", self.incidents(d, E1) + first, "b60")
        decay("E2", second, "b60")
        items["F1"] = self.rate(d)
        complaints = [(day, base, 1000, r) for day, base, _, r in self.incidents(d, {"060200": 500})]
        rules = self.findings("F2", {"rule_missing": 500, "other": 500}, d)
        reports = self.cooperation(d, {"late_report": 1000, "concealment": 1000})
        decay("F2", rules + reports + complaints, "b180")
        decay("F3", self.cooperation(d, {"request_unanswered": 500, "meeting_missed": 500}), "b120")
        items["F4"] = self.survey(d, unverified)
        bonus = self.bonus(d)
        missing = any(d - (self.evidence(i, d) or self.e) > 180 for i in ("B1", "B2", "C1", "C2"))
        full = {item: self.full(item, d) for item in P}
        return Day(min(100_000, sum(items.values()) + bonus), items, bonus, unverified, full, missing, caps)

    def patrols(self, d: int) -> int | None:
        latest = {}
        for fact in self.until(d, "patrol.logged"):
            if d - fact.day < 30:
                latest[fact.day, fact.data.gate] = fact.data
        if not latest:
            return None
        done = sum(one.rounds_done for one in latest.values())
        required = sum(one.rounds_required for one in latest.values())
        required = max(required, 2 * min(30, d - self.e + 1))
        return 5000 - (5000 - 5000 * min(done, required) // required)

    def strength(self, roster, d: int) -> int:
        filed = 500 if roster.self_recruit_filed else 0
        if roster.guards == 0:
            return filed
        need = self.need(d)
        licensed = 1500 * min(roster.licensed, roster.guards) // roster.guards
        return 2000 * min(roster.guards, need) // need + licensed + filed

    def quality(self, roster, d: int) -> int:
        trained = roster.trained_on is not None and 0 <= d - roster.trained_on < 180
        return 2000 * min(roster.mean_star_milli, 5000) // 5000 + (1000 if trained else 0)

    def survey(self, d: int, unverified: list[str]) -> int:
        least = min(30, self.force(d).occupied_households // 10 + 1)
        counted = [
            f.data for f in self.until(d, "survey.recorded") if d - f.day < 365 and f.data.asked >= least
        ]
        if not counted:
            unverified.append("F4")
            return 1000
        return 1000 * min(800, counted[-1].satisfied * 1000 // counted[-1].asked) // 800

    # Section 6

    def caps(self, d: int) -> list[tuple[str, int]]:
        found = []
        stated = defaultdict(list)
        for fact in self.until(d, "veto.confirmed", "veto.lifted"):
            stated[fact.data.veto_id].append(fact)
        for facts in stated.values():
            if facts[-1].kind == "veto.confirmed" and d - facts[-1].data.occurred_on < 365:
                veto = facts[-1].data.veto
                found.append((veto, 2 if veto in ("V4", "V5") else 0))
        for hazard in self.hazards(d):
            if (
                hazard["verified"] is None
                and hazard["class"] in ("immediate", "major")
                and hazard["overdue"] > 15
            ):
                found.append(("V6", 3))
                break
        if self.eligibility(d):
            found.append(("V7", 0))
        return sorted(found)

    def eligibility(self, d: int) -> list[str]:
        r = self.force(d)
        if r is None:
            return []
        failed = []
        if r.buildings < 3:
            failed.append("buildings")
        if not r.enclosed:
            failed.append("enclosed")
        if not 2 * r.occupied_households > r.households:
            failed.append("occupancy")
        companies = [c for c in self.companies if c.company_id == r.company_id]
        if companies:
            company = companies[0]
            for one in companies:
                if one.effective_from <= d:
                    company = one
            for name in ("construction_permit", "market_registration"):
                permit = getattr(company, name)
                if not permit.valid_from <= d <= permit.valid_to:
                    failed.append(name)
        return failed

    def limited(self, score: int, day: Day) -> int:
        star = (
            5
            if score >= 90_000
            else 4
            if score >= 80_000
            else 3
            if score >= 70_000
            else 2
            if score >= 60_000
            else 0
        )
        for category in "ABCDEF":
            points = sum(one for item, one in day.items.items() if item[0] == category)
            full = sum(one for item, one in day.full.items() if item[0] == category)
            if 10 * points < 6 * full:
                star = min(star, 4)
            if 10 * points < 3 * full:
                star = min(star, 3)
        return min(star, 4) if day.evidence_missing else star

    def stars(self, through: int) -> dict[int, tuple[int | None, int, int]]:
        """The dynamic star and its runs after each closed day from e on."""
        found = {}
        star, up, down = None, 0, 0
        for d in range(self.e, through + 1):
            day = self.day(d)
            if day.score is not None and d - self.e >= 90:
                if star is None:
                    star = self.limited(day.score, day)
                else:
                    up = up + 1 if self.limited(day.score - 2000, day) > star else 0
                    down = down + 1 if self.limited(day.score + 2000, day) < star else 0
                    if up == 14:
                        star, up, down = LADDER[LADDER.index(star) + 1], 0, 0
                    elif down == 14:
                        star, up, down = LADDER[LADDER.index(star) - 1], 0, 0
            found[d] = (star, up, down)
        return found

    def warnings(self, through: int, assessed: list[tuple[int, int]]) -> dict[int, str | None]:
        """The warning after each closed day from e on; `assessed` are (day of the decision, star)."""
        stars = self.stars(through)

        shown: dict[int, int | None] = {}
        for d in range(self.e, through + 1):
            day = self.day(d)
            rated = day.score is not None and d - self.e >= 90
            shown[d] = min([stars[d][0], *(cap for _, cap in day.caps)]) if rated else None
        found, level, yellows = {}, None, []
        for d in range(self.e, through + 1):
            decided = [one for one in sorted(assessed) if one[0] <= d]
            if decided:
                since, aim = decided[-1]
                if since == d:
                    yellows = []
                below = above = 0
                while (
                    d - below >= max(since, self.e)
                    and shown[d - below] is not None
                    and shown[d - below] < aim
                ):
                    below += 1
                while (
                    d - above >= max(since, self.e)
                    and shown[d - above] is not None
                    and shown[d - above] >= aim
                ):
                    above += 1
                if above >= 14:
                    level = None
                if below >= 30 and level is None:
                    level = "yellow"
                    yellows.append(date.fromordinal(d).year)
                if below and level and (below >= 90 or yellows.count(date.fromordinal(d).year) >= 3):
                    level = "red"
            found[d] = level
        return found
