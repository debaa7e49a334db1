"""Which day is open and which may close, whatever the clock says."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from scoring.handlers.days import Calendar, DayRules

RULES = DayRules(ZoneInfo("Asia/Shanghai"), timedelta(minutes=30), 1, 30.0)
NOON = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)
TENTH = date(2026, 3, 10).toordinal()


def _calendar(newest: datetime | None = NOON) -> Calendar:
    calendar = Calendar(RULES)
    calendar.saw(newest)
    return calendar


def test_the_open_day_is_local() -> None:
    calendar = _calendar()
    assert calendar.trusted(NOON) == TENTH
    assert calendar.trusted(datetime(2026, 3, 10, 16, 1, tzinfo=UTC)) == TENTH + 1


def test_a_partition_without_history_begins_with_yesterday_closed() -> None:
    calendar = _calendar()
    assert calendar.closed(3, NOON) == TENTH - 1
    assert calendar.open_day(3, NOON) == TENTH
    assert not calendar.known(3)


def test_a_day_is_over_half_an_hour_after_midnight() -> None:
    calendar = _calendar()
    assert calendar.last_over(datetime(2026, 3, 10, 16, 29, tzinfo=UTC)) == TENTH - 1
    assert calendar.last_over(datetime(2026, 3, 10, 16, 30, tzinfo=UTC)) == TENTH


def test_a_clock_that_jumps_is_not_followed() -> None:
    calendar = _calendar()
    later = NOON + timedelta(days=400)
    assert calendar.trusted(later) == TENTH + 1
    assert calendar.may_close(TENTH + 1, 0.0)
    assert not calendar.may_close(TENTH + 2, 0.0)
    calendar.saw(NOON + timedelta(days=1))
    assert calendar.may_close(TENTH + 2, 0.0)


def test_clocks_must_agree_unless_an_operator_confirms() -> None:
    calendar = _calendar()
    assert not calendar.may_close(TENTH, 31.0)
    assert not calendar.may_close(TENTH, -31.0)
    calendar.confirm(TENTH + 5)
    assert calendar.may_close(TENTH + 5, 1e9)
    assert not calendar.may_close(TENTH + 6, 0.0)
    assert calendar.trusted(NOON + timedelta(days=400)) == TENTH + 6


def test_nothing_closes_while_nobody_has_said_anything() -> None:
    calendar = _calendar(None)
    assert not calendar.may_close(TENTH, 0.0)
    assert calendar.trusted(NOON) == TENTH


def test_a_closed_day_stays_behind_the_open_one() -> None:
    calendar = _calendar()
    calendar.note_closed(0, TENTH + 3)
    assert calendar.open_day(0, NOON) == TENTH + 4
    calendar.forget(0)
    assert calendar.open_day(0, NOON) == TENTH


def test_how_far_behind_is_the_furthest_partition() -> None:
    calendar = _calendar()
    calendar.note_closed(0, TENTH - 1)
    calendar.note_closed(1, TENTH - 9)
    assert calendar.days_behind([0], NOON) == 0
    assert calendar.days_behind([0, 1], NOON) == 8
    assert calendar.days_behind([], NOON) == 0


def test_a_fact_received_on_a_later_day_proves_that_a_day_is_read() -> None:
    calendar = _calendar()
    assert not calendar.has_read_beyond(0, TENTH - 5)
    calendar.read_to(0, int((NOON - timedelta(days=2)).timestamp() * 1_000_000))
    assert calendar.has_read_beyond(0, TENTH - 3)
    assert not calendar.has_read_beyond(0, TENTH - 2)
    calendar.forget(0)
    assert not calendar.has_read_beyond(0, TENTH - 3)
