"""From outcomes to decisions, notices and deliveries: everything is decided before the transaction begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from notify.domain import identity
from notify.domain.audience import UNASSIGNED, audience
from notify.domain.decide import Action, Decision, decide
from notify.domain.organisations import Recipient, RecipientId
from notify.ports import (
    EndpointBook,
    EndpointChoice,
    LetterWriter,
    NewDelivery,
    Notice,
    Outcome,
    Plan,
    Register,
)


async def decide_batch(
    outcomes: Sequence[Outcome], register: Register, endpoints: EndpointBook, letters: LetterWriter
) -> Plan:
    """Decide for every outcome and every recipient it concerns; reads only.

    Three reads whatever the size of the batch: hierarchy, endpoints, names.
    """
    hierarchy = await register.hierarchy(
        {outcome.relations.station for outcome in outcomes if outcome.relations.station is not None},
        every_station=any(outcome.signals.kind == UNASSIGNED for outcome in outcomes),
    )
    concerned = [
        (outcome, audience(outcome.signals.kind, outcome.relations, hierarchy)) for outcome in outcomes
    ]
    choices = await endpoints.choices({who.id for _, recipients in concerned for who in recipients})
    decisions = [
        (outcome, decide(outcome.signals, who, reachable=bool(_wanted(choices, who.id, outcome))))
        for outcome, recipients in concerned
        for who in recipients
    ]
    noticed = [(outcome, decision) for outcome, decision in decisions if decision.noticed]
    names = await register.names(_entities(noticed)) if noticed else {}
    notices = [_notice(outcome, decision, letters, names) for outcome, decision in noticed]
    deliveries = [
        NewDelivery(identity.delivery_id(notice.id, endpoint.id), notice, endpoint.id)
        for notice in notices
        if notice.decision.action is Action.SENT
        for endpoint in _wanted(choices, notice.decision.recipient.id, notice.outcome)
    ]
    return Plan(outcomes, decisions, notices, deliveries)


def _wanted(
    choices: Mapping[RecipientId, Sequence[EndpointChoice]], recipient: RecipientId, outcome: Outcome
) -> list[EndpointChoice]:
    return [choice for choice in choices.get(recipient, ()) if choice.takes(outcome.type)]


def _notice(
    outcome: Outcome, decision: Decision, letters: LetterWriter, names: Mapping[tuple[str, str], str]
) -> Notice:
    notice = identity.notice_id(outcome.id, decision.recipient.id)
    return Notice(notice, outcome, decision, letters.write(outcome, decision, notice, names))


def _entities(noticed: Sequence[tuple[Outcome, Decision]]) -> set[tuple[str, str]]:
    entities: set[tuple[str, str]] = set()
    for outcome, decision in noticed:
        entities.add(("compound", outcome.subject))
        entities.update(_related(outcome))
        entities.add(_key(decision.recipient))
    return entities


def _related(outcome: Outcome) -> list[tuple[str, str]]:
    relations = outcome.relations
    return [
        (kind, organisation)
        for kind in ("company", "community", "station", "committee", "developer", "street")
        if (organisation := getattr(relations, kind)) is not None
    ]


def _key(recipient: Recipient) -> tuple[str, str]:
    return recipient.kind.value, recipient.organisation
