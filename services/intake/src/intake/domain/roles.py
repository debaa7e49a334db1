"""Who may send what: the one table of role by type, and the order of roles."""

from __future__ import annotations

from collections.abc import Collection

# `actorrole` is the first of these that a key has and that may send the type (design: Credentials).
ORDER = (
    "officer",
    "station_chief",
    "sub_bureau",
    "registrar",
    "admin",
    "operator",
    "integrator",
    "console",
    "construction_bureau",
    "community",
    "committee",
    "developer",
    "company",
    "guard",
    "building_head",
)
# Who may correct what others recorded; every other role ranks below all of these.
RANKS = {"officer": 1, "station_chief": 2, "sub_bureau": 3}

_POLICE = ("officer", "station_chief", "sub_bureau")
_COMPANY = ("company", "guard", "building_head")

_FACTS: dict[str, tuple[str, ...]] = {
    # What costs or restores points is seen by the police; a company does not mark its own paper.
    "inspection.recorded": _POLICE,
    "incident.recorded": (*_POLICE, "integrator"),
    "hazard.opened": (*_POLICE, "construction_bureau", "community", *_COMPANY),
    "hazard.rectified": (*_POLICE, "developer", "company", "guard"),
    # Whoever sees the repair with their own eyes, and nobody above them.
    "hazard.verified": ("officer",),
    "hazard.rejected": ("officer",),
    "hazard.extended": ("station_chief",),
    # Devices report through a platform; people where there is none.
    "facility.status": (*_POLICE, "integrator", "company"),
    "facility.upgraded": (*_POLICE, "construction_bureau"),
    "patrol.logged": ("integrator", "company", "guard"),
    "guards.updated": ("integrator", "company"),
    "volunteers.logged": (*_POLICE, "community", "company", "building_head"),
    "dispute.recorded": (*_POLICE, "integrator", "community", "committee", *_COMPANY),
    "dispute.mediated": (*_POLICE, "community", "committee", *_COMPANY),
    "dispute.escalated": (*_POLICE, "integrator"),
    "cooperation.recorded": _POLICE,
    "survey.recorded": (*_POLICE, "integrator", "community"),
    "veto.proposed": _POLICE,
    "veto.confirmed": ("sub_bureau",),
    "veto.lifted": ("sub_bureau",),
    "objection.filed": ("community", "committee", "developer", "company"),
    "objection.decided": ("station_chief", "sub_bureau"),
    "selfassessment.submitted": ("company",),
    # Intake itself says that a picture is stored.
    "evidence.stored": (),
}
_REGISTRY = dict.fromkeys(
    ("compound.registered", "company.registered", "organisation.registered"), ("registrar",)
)
_ACCESS = {
    **dict.fromkeys(
        ("credential.issued", "credential.revoked", "person.granted", "person.revoked"), ("admin",)
    ),
    # Intake itself says what time it is.
    "clock.observed": (),
}

MAY_SEND: dict[str, frozenset[str]] = {
    kind: frozenset(roles) for kind, roles in {**_FACTS, **_REGISTRY, **_ACCESS}.items()
}
# Whoever may record a fact may withdraw one; whose facts, the recorder's organisation and rank decide.
MAY_SEND["fact.withdrawn"] = frozenset().union(*(MAY_SEND[kind] for kind in _FACTS))


def acting_role(roles: Collection[str], kind: str) -> str | None:
    """The first of the roles, in the fixed order, that may send that kind; None when none may."""
    allowed = MAY_SEND.get(kind, frozenset())
    return next((role for role in ORDER if role in roles and role in allowed), None)


def may_any(roles: Collection[str], kind: str) -> bool:
    """True when one of the roles may send that kind."""
    return not MAY_SEND.get(kind, frozenset()).isdisjoint(roles)


def highest_rank(roles: Collection[str], kind: str) -> int:
    """The highest rank among those of the roles that may send that kind."""
    return max((rank(role) for role in MAY_SEND.get(kind, frozenset()).intersection(roles)), default=0)


def rank(role: str) -> int:
    """How high a role stands for corrections: 0 for everybody outside the police."""
    return RANKS.get(role, 0)
