"""The decision on one outcome and one recipient, with the reason that is kept on record."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from notify.domain.organisations import Recipient
from notify.domain.policy import Signals, rule_for


class Action(StrEnum):
    """What was done about an outcome for one recipient."""

    SENT = "sent"
    """A notice, and a delivery to each endpoint that takes this type."""
    INBOX_ONLY = "inbox_only"
    """A notice that can be read, and that wakes nobody."""
    SUPPRESSED = "suppressed"
    """No notice: the defaults do not tell this recipient of this."""


NOT_CONCERNED = "not-concerned"


@dataclass(frozen=True, slots=True)
class Decision:
    """`rule` is the line of the table, `reason` says in a word why it is less than sent."""

    recipient: Recipient
    action: Action
    rule: str
    reason: str | None = None
    mandatory: bool = False
    urgent: bool = False

    @property
    def noticed(self) -> bool:
        """Whether the recipient finds a notice in the inbox."""
        return self.action is not Action.SUPPRESSED


def decide(signals: Signals, recipient: Recipient, *, reachable: bool) -> Decision:
    """Decide by the table; `reachable`: some endpoint of the recipient takes this type.

    History wakes nobody, except where the law of the annual assessment says otherwise: an import of a
    past year must not send ten thousand messages.
    """
    rule = rule_for(signals, recipient.kind)
    if rule is None:
        return Decision(recipient, Action.SUPPRESSED, NOT_CONCERNED)
    action, reason = Action.SENT, None
    if signals.historical and not rule.mandatory:
        action, reason = Action.INBOX_ONLY, "historical"
    elif not reachable:
        action, reason = Action.INBOX_ONLY, "no-endpoint"
    return Decision(recipient, action, rule.name, reason, rule.mandatory, rule.urgent)
