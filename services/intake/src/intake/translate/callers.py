"""From the principal of a key to the caller that the domain judges."""

from __future__ import annotations

from shared.runtime.auth import Principal

from intake.domain.callers import Caller, Reach


class Callers:
    """Callers by credential, made once for each state of a key."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[Principal, Caller]] = {}

    def of(self, principal: Principal) -> Caller:
        """The caller of that principal."""
        known = self._known.get(principal.credential_id)
        if known is not None and known[0] is principal:
            return known[1]
        caller = _caller(principal)
        self._known[principal.credential_id] = principal, caller
        return caller


def _caller(principal: Principal) -> Caller:
    scope = principal.scope
    return Caller(
        credential=principal.credential_id,
        actor=principal.actor_id,
        roles=frozenset(principal.roles),
        reach=Reach(scope.everything, scope.compounds, scope.communities, scope.stations),
        organisation=principal.organisation or "",
        device=principal.device_id or "",
        event_types=principal.event_types,
        rights=principal.rights,
        valid_to=principal.valid_to,
    )
