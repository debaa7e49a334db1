"""Which revisions count: arriving facts against the ledger, in order of arrival.

The result does not depend on that order (`domain.revisions`), only the way to it does. Every distinct event
ends in the ledger or in its history; repeats leave nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from scoring.domain.facts import Fact
from scoring.domain.revisions import Choice, choose
from scoring.handlers.plan import LedgerRow, Plan
from scoring.ports import Arrival, FactKey, Known

NEW = "new"


class Counted(NamedTuple):
    """A change of what counts: the revision that goes, if any, and the one that comes."""

    gone: Fact | None
    come: Fact


@dataclass(slots=True)
class Judged:
    """What a batch changes, by compound and in order of arrival."""

    changes: dict[str, list[Counted]] = field(default_factory=dict)


Fingerprint = Callable[[bytes], bytes]
"""SHA-256 of the canonical event (rubric.md section 1); costly, so asked only of equal revisions."""


def judge(
    plan: Plan,
    arrivals: Sequence[Arrival],
    stored: Mapping[FactKey, Known],
    fingerprint: Fingerprint,
) -> Judged:
    """Judge each arrival against what counts before it; fills ledger, history and heads of the plan."""
    judged = Judged()
    rows: dict[FactKey, LedgerRow] = {}
    for arrival in arrivals:
        key = arrival.key
        known = plan.heads.get(key) or stored.get(key)
        if known is None:
            plan.judged[NEW] += 1
        else:
            choice = _choose(known, arrival, fingerprint)
            plan.judged[choice.value] += 1
            if choice is Choice.REPEAT:
                continue
            if not choice.counts:
                plan.history.append(arrival)
                continue
        if key in rows:
            # Superseded within one batch: it was never in the ledger and goes straight to the history.
            plan.history.append(rows[key].arrival)
        rows[key] = LedgerRow(arrival, stored.get(key))
        plan.heads[key] = Known(arrival.fact, arrival.body)
        change = Counted(None if known is None else known.fact, arrival.fact)
        judged.changes.setdefault(arrival.fact.compound, []).append(change)
    plan.ledger.extend(rows.values())
    return judged


def _choose(known: Known, arrival: Arrival, fingerprint: Fingerprint) -> Choice:
    if known.fact.revision != arrival.fact.revision:
        return choose(known.fact, arrival.fact)
    if known.body == arrival.body:
        return Choice.REPEAT
    return choose(
        known.fact._replace(fingerprint=fingerprint(known.body)),
        arrival.fact._replace(fingerprint=fingerprint(arrival.body)),
    )
