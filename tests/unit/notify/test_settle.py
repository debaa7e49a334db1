"""What results mean for their deliveries and their endpoint."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from notify.domain.answers import Answer, Verdict
from notify.domain.lanes import Health
from notify.handlers.settle import ABANDONED, DELIVERED, Settled, settle
from notify.ports import Ended, Sent, Taken

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def ended(answer: Answer, attempt: int = 1, seconds: float = 0.1) -> Ended:
    taken = Taken(uuid4(), uuid4(), uuid4(), attempt, b"{}", uuid4(), "anxing.outcome.star.changed.v1", "C1")
    return Ended(taken, 1, Sent(answer), seconds, NOW)


def settled(*answers: Answer, attempt: int = 1, health: Health | None = None) -> Settled:
    return settle(health or Health(), [ended(answer, attempt) for answer in answers], NOW, lambda: 0.0)


def test_delivered_is_final() -> None:
    (row,) = settled(Answer(Verdict.DELIVERED, "ok", 200)).rows
    assert (row.state, row.delay_seconds) == (DELIVERED, None)


def test_a_failure_waits_for_its_step() -> None:
    (row,) = settled(Answer(Verdict.LATER, "http_500", 500), attempt=3).rows
    assert (row.state, row.delay_seconds) == (None, 120)


def test_retry_after_is_a_minimum_and_never_shortens_a_step() -> None:
    def wait(seconds: float, attempt: int) -> float | None:
        answer = Answer(Verdict.LATER, "http_429", 429, retry_after_seconds=seconds)
        return settled(answer, attempt=attempt).rows[0].delay_seconds

    assert wait(60, attempt=1) == 60
    assert wait(60, attempt=4) == 600


def test_the_last_attempt_ends_in_the_dead_letter_with_its_cause() -> None:
    (row,) = settled(Answer(Verdict.LATER, "timeout", timed_out=True), attempt=12).rows
    assert (row.state, row.cause) == (ABANDONED, "timeout")
    (row,) = settled(Answer(Verdict.BRIEFLY, "http_404", 404), attempt=3).rows
    assert (row.state, row.cause) == (ABANDONED, "http_404")


def test_gone_suspends_and_leaves_the_delivery_to_be_parked() -> None:
    result = settled(Answer(Verdict.SUSPEND, "gone", 410))
    assert result.suspend == "gone"
    assert (result.rows[0].state, result.rows[0].delay_seconds) == (None, None)


def test_days_of_failure_suspend() -> None:
    failing = Health(failing_since=NOW - timedelta(days=5), failures=19)
    assert settled(Answer(Verdict.LATER, "http_500", 500), health=failing).suspend == "failing"
    assert settled(Answer(Verdict.DELIVERED, "ok", 200), health=failing).suspend is None


def test_what_was_given_back_changes_nothing() -> None:
    result = settled(Answer(Verdict.NOT_STARTED, "given_back"))
    assert result.health == Health()
    assert (result.rows[0].state, result.rows[0].delay_seconds) == (None, None)
