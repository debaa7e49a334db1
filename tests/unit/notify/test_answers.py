"""What an answer means: result classes of the design, one line each."""

from datetime import UTC, datetime

import pytest
from notify.domain.answers import Verdict, classify, retry_after
from notify.domain.ladder import HOUR

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (200, Verdict.DELIVERED),
        (202, Verdict.DELIVERED),
        (204, Verdict.DELIVERED),
        (301, Verdict.ABANDON),
        (302, Verdict.ABANDON),
        (307, Verdict.ABANDON),
        (400, Verdict.BRIEFLY),
        (401, Verdict.BRIEFLY),
        (404, Verdict.BRIEFLY),
        (408, Verdict.LATER),
        (410, Verdict.SUSPEND),
        (422, Verdict.BRIEFLY),
        (425, Verdict.LATER),
        (429, Verdict.LATER),
        (500, Verdict.LATER),
        (503, Verdict.LATER),
        (599, Verdict.LATER),
    ],
)
def test_status(status: int, verdict: Verdict) -> None:
    answer = classify(status, {}, NOW)
    assert answer.verdict is verdict
    assert answer.status == status


def test_a_receiver_may_ask_for_nothing_more_even_with_a_success() -> None:
    assert classify(200, {"webhook-delivery": "disable"}, NOW).verdict is Verdict.SUSPEND
    assert classify(500, {"webhook-delivery": " Disable "}, NOW).verdict is Verdict.SUSPEND


def test_a_receiver_may_refuse_one_message_for_good() -> None:
    assert classify(500, {"webhook-delivery": "abort-message"}, NOW).verdict is Verdict.ABANDON


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_heard_where_it_has_a_meaning(status: int) -> None:
    assert classify(status, {"retry-after": "120"}, NOW).retry_after_seconds == 120
    assert classify(500, {"retry-after": "120"}, NOW).retry_after_seconds is None


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7),
        (" 30 ", 30),
        ("Tue, 24 Nov 2026 09:01:00 GMT", 60),
        ("Tue, 24 Nov 2026 08:00:00 GMT", None),
        ("0", None),
        ("-5", None),
        ("soon", None),
        ("999999999999999999999", 24 * HOUR),
        ("200000", 24 * HOUR),
        ("Tue, 24 Nov 2026 09:01:00", None),
        (None, None),
    ],
)
def test_retry_after(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, NOW) == seconds
