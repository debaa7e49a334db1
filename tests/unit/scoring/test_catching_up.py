"""Which logs are still being read, and when a long catch-up says how far it is."""

from datetime import date

from scoring.catching_up import CatchUp, Unread
from shared.runtime.records import Partition
from structlog.testing import capture_logs


def _lag(*records: int) -> dict[Partition, int]:
    return {Partition("facts", number): behind for number, behind in enumerate(records)}


def test_a_log_with_more_to_read_is_unread_until_nothing_moves_in_it() -> None:
    now = 100.0
    unread = Unread(lambda: now, 60.0)
    assert unread.of(_lag(0, 5)) == {1}
    now = 150.0
    assert unread.of(_lag(0, 4)) == {1}
    now = 209.0
    assert unread.of(_lag(3, 4)) == {0, 1}
    now = 210.0
    assert unread.of(_lag(3, 4)) == {0}
    assert unread.of(_lag(3, 0)) == {0}
    assert unread.of({}) == set()


def test_a_line_at_first_every_few_days_and_at_the_end() -> None:
    told = CatchUp()
    with capture_logs() as lines:
        for behind in (1, 0, 20, 20, 19, 14, 13, 12, 6, 2, 1, 0, 0):
            told.note(behind, date(2026, 3, 1).toordinal())
    assert [(one["event"], one.get("days_behind")) for one in lines] == [
        ("days_catching_up", 20),
        ("days_catching_up", 13),
        ("days_catching_up", 6),
        ("days_caught_up", None),
    ]
