"""Who sends a request: the key of its header, or the person that a console's key speaks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from shared.runtime.answers import unauthorised_problem
from shared.runtime.auth import Directory, Principal, Unauthorised
from shared.runtime.problems import FieldError, Problem

from intake.domain.callers import GRACE, Caller
from intake.metrics import IntakeMetrics
from intake.translate.callers import Callers

ACTOR_HEADER: Final = "Anxing-Actor"
_ACTOR: Final = ACTOR_HEADER.lower().encode()
# The one role whose keys speak for persons.
SPEAKER: Final = "console"


class Doorkeeper:
    """Knows who sends, by the headers of a request."""

    def __init__(self, directory: Directory, metrics: IntakeMetrics) -> None:
        self._directory = directory
        self._metrics = metrics
        self._callers = Callers()

    def caller(self, headers: Mapping[bytes, bytes]) -> Caller:
        """The caller of a request; Problem 401 without a working key, 403 for a person it may not be."""
        authorization = headers.get(b"authorization")
        try:
            principal = self._directory.authenticate(
                None if authorization is None else authorization.decode("latin-1"), grace=GRACE
            )
        except Unauthorised as error:
            self._metrics.plumbing.auth_refused.labels(error.code).inc()
            raise unauthorised_problem(error) from error
        actor = headers.get(_ACTOR)
        return self._callers.of(principal, None if actor is None else self._person(principal, actor))

    def _person(self, principal: Principal, actor: bytes) -> Principal:
        if not principal.allows_role(SPEAKER):
            raise _refused("actor_not_allowed", "Only the key of a console speaks for a person.")
        person = self._directory.person_by_id(actor.decode("latin-1").strip().lower())
        if person is None:
            raise _refused("unknown_actor", "Nobody of that id has any rights now.")
        if principal.may_act_for.isdisjoint(person.roles):
            raise _refused("actor_not_allowed", "This key speaks for nobody of the roles of that person.")
        return person


def _refused(code: str, detail: str) -> Problem:
    return Problem(403, code, detail, errors=[FieldError(ACTOR_HEADER, code)])
