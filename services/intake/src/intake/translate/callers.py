"""From the principal of a key, and the person it speaks for, to the caller that the domain judges."""

from __future__ import annotations

from dataclasses import replace

from shared.runtime.auth import Principal, Scope

from intake.domain.callers import Caller, Reach

# Each state of a key or person is translated once; a person per key, and keys, are far fewer than this.
KNOWN_MAX = 100_000


class Callers:
    """Callers by credential and person, made once for each state of both."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], tuple[Principal, Principal | None, Caller]] = {}

    def of(self, principal: Principal, person: Principal | None = None) -> Caller:
        """The caller of that principal, in the name of that person where there is one."""
        identity = principal.credential_id, "" if person is None else person.actor_id
        known = self._known.get(identity)
        if known is not None and known[0] is principal and known[1] is person:
            return known[2]
        caller = _caller(principal) if person is None else _caller_for(principal, person)
        if len(self._known) >= KNOWN_MAX:
            self._known.clear()
        self._known[identity] = principal, person, caller
        return caller


def _caller(principal: Principal) -> Caller:
    caller = Caller(
        credential=principal.credential_id,
        actor=principal.actor_id,
        roles=frozenset(principal.roles),
        reach=_reach(principal.scope),
        organisation=principal.organisation or "",
        device=principal.device_id or "",
        event_types=principal.event_types,
        rights=principal.rights,
        valid_to=principal.valid_to,
    )
    if not principal.former:
        return caller
    former = tuple(
        (
            was.until,
            replace(
                caller,
                roles=frozenset(was.roles),
                reach=_reach(was.scope),
                organisation=was.organisation or "",
                event_types=was.event_types,
                acting={},
                stamps={},
            ),
        )
        for was in principal.former
    )
    return replace(caller, former=former, acting={}, stamps={})


def _caller_for(principal: Principal, person: Principal) -> Caller:
    """A person through a key: the person's rights, and none that the key may not speak for."""
    return Caller(
        credential=principal.credential_id,
        actor=person.actor_id,
        roles=frozenset(person.roles) & principal.may_act_for,
        reach=_reach(person.scope),
        organisation=person.organisation or "",
        device=principal.device_id or "",
        event_types=principal.event_types,
        valid_to=principal.valid_to,
        within=_reach(principal.scope),
    )


def _reach(scope: Scope) -> Reach:
    return Reach(scope.everything, scope.compounds, scope.communities, scope.stations)
