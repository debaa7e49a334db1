"""What is wrong with an event, in a form that a sender can act on."""

from __future__ import annotations

import re
from typing import Final

import msgspec

_AT: Final = re.compile(r" - at (?:`(?P<part>key|value)` in )?`(?P<path>\$.*)`\Z", re.DOTALL)
_STEP: Final = re.compile(r"\.(?P<name>[^.\[\]]+)|\[(?P<index>\d+|\.\.\.)\]")
_FIELD: Final = re.compile(
    r"Object (?P<what>missing required|contains unknown) field `(?P<name>.*)`\Z", re.DOTALL
)
_TOKEN_CHARS_MAX: Final = 64

# msgspec's messages by their beginning: our stable code and a sentence that repeats no value.
_CODES: Final = (
    ("Object missing required field", "missing", "a required field is missing"),
    ("Object contains unknown field", "unknown_field", "the contract has no such field"),
    ("Invalid enum value", "unknown_value", "not one of the allowed values"),
    ("Invalid RFC3339", "format", "not a date or time of RFC 3339"),
    ("Invalid", "format", "not in the expected format"),
    ("Expected `str` matching regex", "pattern", "does not match the pattern"),
    ("Expected `str` of length", "length", "too short or too long"),
    ("Expected `array` of length", "length", "too few or too many entries"),
    ("Expected `object` of length", "length", "too few or too many entries"),
    ("Expected `datetime` with", "format", "a time needs its zone"),
    ("Expected `int` <", "range", "above the allowed range"),
    ("Expected `int` >", "range", "below the allowed range"),
    ("Expected `float` <", "range", "above the allowed range"),
    ("Expected `float` >", "range", "below the allowed range"),
    ("Integer value out of range", "range", "outside the allowed range"),
    ("Number out of range", "range", "outside the allowed range"),
    ("Expected", "type", "not of the expected type"),
)


class Malformed(Exception):  # noqa: N818 - the word of the contracts, it is what the event is
    """One violation of a contract.

    `code` is stable and machine-readable, `pointer` a JSON pointer (RFC 6901) into the event,
    `detail` an English sentence that never repeats a value, so that it may be logged and answered.
    """

    def __init__(self, code: str, pointer: str, detail: str) -> None:
        super().__init__(code, pointer, detail)
        self.code = code
        self.pointer = pointer
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.code} at {self.pointer or '/'}: {self.detail}"


def token(name: str) -> str:
    """One reference token of a JSON pointer, escaped, and cut because a sender chooses it."""
    return name[:_TOKEN_CHARS_MAX].replace("~", "~0").replace("/", "~1")


def malformed(error: msgspec.DecodeError, prefix: str = "") -> Malformed:
    """Translates msgspec's error about the value at `prefix` (a JSON pointer) into ours."""
    if not isinstance(error, msgspec.ValidationError):
        return Malformed("invalid_json", prefix, "not valid JSON in UTF-8")
    message = str(error)
    pointer = prefix
    if at := _AT.search(message):
        message = message[: at.start()]
        for step in _STEP.finditer(at["path"]):
            # `[...]` is an entry of an object with free keys; the pointer stops at that object.
            if step["index"] == "...":
                break
            pointer += "/" + (step["index"] or token(step["name"]))
    if field := _FIELD.match(message):
        pointer += "/" + token(field["name"])
    for beginning, code, detail in _CODES:
        if message.startswith(beginning):
            return Malformed(code, pointer, detail)
    return Malformed("rule", pointer, "breaks a rule of the contract")
