"""Corrections judged by looking through everything that was ever let in: what heads must come to."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import strategies as st
from intake.domain.reservations import Barred, Busy, Fresh, Reservation, Settled, Standing

from tests.unit.intake.receipts_suite import reservation

# Senders: organisation, rank, roles.
SENDERS = (
    ("S1", 1, frozenset({"officer"})),
    ("S2", 1, frozenset({"officer"})),
    ("S2", 2, frozenset({"station_chief", "officer"})),
    ("B1", 3, frozenset({"sub_bureau"})),
    ("P1", 0, frozenset({"company"})),
    ("P1", 0, frozenset({"guard"})),
)
KINDS = ("incident.recorded", "hazard.opened", "guards.updated", "fact.withdrawn")
SUBJECTS = ("C1", "C2")
MAY_RECORD = {
    "incident.recorded": {"officer", "station_chief", "sub_bureau"},
    "hazard.opened": {"officer", "station_chief", "sub_bureau", "company", "guard"},
    "guards.updated": {"company"},
}


@dataclass(frozen=True)
class Step:
    """One post: of a revision of one of three facts, or of something posted before; and how it ends."""

    fact: int
    revision: int
    sender: int
    kind: int
    subject: int
    again: int | None
    is_stored: bool


STEPS = st.lists(
    st.builds(
        Step,
        fact=st.integers(0, 2),
        revision=st.integers(1, 4),
        sender=st.integers(0, len(SENDERS) - 1),
        kind=st.integers(0, len(KINDS) - 1),
        # Mostly about the same.
        subject=st.sampled_from((0, 0, 0, 1)),
        again=st.none() | st.none() | st.integers(0, 30),
        is_stored=st.sampled_from((True, True, True, False)),
    ),
    max_size=14,
)


@dataclass
class History:
    """Everything that was let in, in order, and what is on its topic."""

    first: dict[str, Reservation] = field(default_factory=dict)
    later: list[Reservation] = field(default_factory=list)
    stored: set[str] = field(default_factory=set)

    def verdict(self, wanted: Reservation) -> str:
        """`fresh`, `settled`, or the code of the refusal and the revision that it names."""
        if wanted.id in self.stored:
            return "settled"
        if wanted.revision == 1:
            return "fresh"
        return self._refusal(wanted) or "fresh"

    def note(self, wanted: Reservation, *, is_stored: bool) -> None:
        """What was let in."""
        if wanted.revision == 1:
            self.first.setdefault(wanted.root, wanted)
        elif all(known.id != wanted.id for known in self.later):
            self.later.append(wanted)
        if is_stored:
            self.stored.add(wanted.id)

    def _refusal(self, wanted: Reservation) -> str | None:
        first = self.first.get(wanted.root)
        if first is not None and first.subject != wanted.subject:
            return "subject_changed"
        later = [one for one in self.later if (one.root, one.subject) == (wanted.root, wanted.subject)]
        origin = first or (later[0] if later else None)
        if origin is None:
            return None
        if origin.recorder != wanted.recorder and origin.rank >= wanted.rank:
            return "not_the_recorder"
        kind = None if origin.withdraws else origin.kind
        if kind is not None and wanted.withdraws:
            if not wanted.roles & MAY_RECORD[kind] and wanted.rank <= origin.rank:
                return "role_not_allowed"
        elif kind not in {None, wanted.kind}:
            return "type_changed"
        newest = max(later, key=lambda one: one.revision, default=origin)
        if newest.id != wanted.id and newest.revision >= wanted.revision:
            return f"stale_revision {newest.revision}"
        return None


def told(standing: Standing) -> str:
    """A standing in the words of the history."""
    match standing:
        case Fresh():
            return "fresh"
        case Settled():
            return "settled"
        case Barred(refusal):
            current = refusal.current_revision
            return refusal.code if current is None else f"{refusal.code} {current}"
        case Busy():
            return "busy"


async def play(steps: list[Step], make_port: Callable[[], Any]) -> None:
    """Post step by step and compare each standing with what the history says.

    A post that is not stored is left behind, as by a replica that was killed, and free at once; every step
    may go through another replica.
    """
    history = History()
    roots = [str(uuid.uuid4()) for _ in range(3)]
    # What a first revision says does not change: another content would be a conflict of ids.
    firsts = [
        reservation(id=root, recorder=org, rank=rank, roles=roles, kind=kind, subject="C1")
        for root, (org, rank, roles), kind in zip(roots, SENDERS[::2], KINDS, strict=False)
    ]
    posted: list[Reservation] = []
    for step in steps:
        if step.again is not None and posted:
            wanted = posted[step.again % len(posted)]
        elif step.revision == 1:
            wanted = firsts[step.fact]
        else:
            org, rank, roles = SENDERS[step.sender]
            kind = KINDS[step.kind]
            wanted = replace(
                firsts[step.fact],
                id=str(uuid.uuid4()),
                revision=step.revision,
                recorder=org,
                rank=rank,
                roles=roles,
                kind=kind,
                withdraws=kind == "fact.withdrawn",
                subject=SUBJECTS[step.subject],
            )
        posted.append(wanted)
        port = await make_port()
        expected = history.verdict(wanted)
        (standing,) = await port.reserve([wanted])
        assert told(standing) == expected, (step, history)
        if isinstance(standing, Fresh):
            history.note(wanted, is_stored=step.is_stored)
            if step.is_stored:
                await port.complete([(wanted, len(posted))])
            else:
                port.release([wanted])
