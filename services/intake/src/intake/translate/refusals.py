"""From violations of the contract to the refusal that a sender can act on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from shared.events.errors import Malformed

from intake.domain.verdicts import Fault, Grounds, Refusal
from intake.translate.strict import scan

# Without these four it is no CloudEvent at all.
_REQUIRED: Final = frozenset({"/specversion", "/id", "/source", "/type"})
_UNREADABLE: Final = frozenset({"missing", "type", "length", "unknown_value"})
# What the formats of JSON and CloudEvents forbid, whatever the type of the event.
_FORMAT: Final = frozenset(
    {"invalid_json", "number_range", "too_deep", "too_many_keys", "duplicate_key", "too_long"}
    | {"control_character", "bidi_override", "not_cloudevents", "attribute_name", "attribute_type"}
)
# Violations that give the whole refusal their name; the others are an `invalid_event`.
_NAMED: Final = frozenset({"unknown_type", "unknown_code", "supplied_stamp"})


class Broken(Exception):  # noqa: N818 - what the event is, as `Malformed` is
    """An event that breaks the contract in several places."""

    def __init__(self, violations: Sequence[Malformed]) -> None:
        super().__init__(len(violations))
        self.violations = violations


def refusal_of(raw: bytes, violations: Sequence[Malformed]) -> Refusal:
    """The refusal of an event with those violations, the heaviest first.

    What the format forbids goes before what the contract says, also where the contract stumbled first,
    such as over nesting without end in a field that it does not know.
    """
    first = violations[0]
    if first.code in _FORMAT:
        return _malformed(first.code, first)
    if first.pointer in _REQUIRED and first.code in _UNREADABLE:
        return _malformed("not_cloudevents", first)
    try:
        scan(raw)
    except Malformed as error:
        return _malformed(error.code, error)
    code = first.code if first.code in _NAMED else "invalid_event"
    faults = tuple(Fault(violation.pointer, violation.code) for violation in violations)
    return Refusal(Grounds.INVALID, code, _sentence(first), faults)


def _malformed(code: str, violation: Malformed) -> Refusal:
    fault = Fault(violation.pointer, violation.code)
    return Refusal(Grounds.MALFORMED, code, _sentence(violation), (fault,))


def _sentence(violation: Malformed) -> str:
    return violation.detail[:1].upper() + violation.detail[1:] + "."
