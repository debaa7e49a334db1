"""What an answer of a receiver, or its absence, means for the delivery."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum

from notify.domain.ladder import RETRY_AFTER_MAX_SECONDS


class Verdict(StrEnum):
    """What follows from one attempt."""

    DELIVERED = "delivered"
    LATER = "later"
    """The long ladder: the receiver is down, busy or out of reach."""
    BRIEFLY = "briefly"
    """The short ladder: the receiver does not want it, perhaps only while it is being deployed."""
    ABANDON = "abandon"
    SUSPEND = "suspend"
    """The endpoint is gone for good, or asks for nothing more."""
    NOT_STARTED = "not_started"
    """Taken but given back before the call: counts as no attempt."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of one attempt.

    `cause` is a stable word without addresses or texts of the receiver; `unreached`: no connection came
    about; `timed_out`: it took the whole time. `retry_after_seconds` asks the whole endpoint to wait.
    """

    verdict: Verdict
    cause: str
    status: int | None = None
    unreached: bool = False
    timed_out: bool = False
    retry_after_seconds: float | None = None

    @property
    def failed(self) -> bool:
        return self.verdict not in {Verdict.DELIVERED, Verdict.NOT_STARTED}


CONTROL_HEADER = "webhook-delivery"
_BUSY = frozenset({408, 425, 429})
_ASKS_TO_WAIT = frozenset({429, 503})


def classify(status: int, headers: Mapping[str, str], now: datetime) -> Answer:
    """The meaning of an HTTP answer; `headers` must find names in any case."""
    control = headers.get(CONTROL_HEADER, "").strip().lower()
    if status == 410 or control == "disable":
        return Answer(Verdict.SUSPEND, "gone" if status == 410 else "disabled_by_receiver", status)
    if 200 <= status < 300:
        return Answer(Verdict.DELIVERED, "ok", status)
    if control == "abort-message":
        return Answer(Verdict.ABANDON, "aborted_by_receiver", status)
    if 300 <= status < 400:
        return Answer(Verdict.ABANDON, "redirected", status)
    if status in _BUSY or status >= 500:
        wait = retry_after(headers.get("retry-after"), now) if status in _ASKS_TO_WAIT else None
        return Answer(Verdict.LATER, f"http_{status}", status, retry_after_seconds=wait)
    return Answer(Verdict.BRIEFLY, f"http_{status}", status)


def retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds of a Retry-After header (a number or a date), at most a day; None when it says nothing."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        seconds = float(text[:12])
    else:
        try:
            seconds = (parsedate_to_datetime(text) - now).total_seconds()
        except (ValueError, TypeError):
            return None
    return min(max(seconds, 0.0), RETRY_AFTER_MAX_SECONDS) or None
