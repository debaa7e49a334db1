"""The pure rules of consumption: first offsets, parking limits, pauses, turns, steps, incarnations."""

import asyncpg
import pytest
from aiokafka.errors import NodeNotReadyError
from hypothesis import given
from hypothesis import strategies as st
from shared.runtime.backoff import Backoff
from shared.runtime.consume import Advance, Batch, Claim, ParkingLimits, Partition, Record
from shared.runtime.consume.kinds import Stale, is_away
from shared.runtime.consume.limits import RejectHistory
from shared.runtime.consume.offsets import Reading, Verdict
from shared.runtime.consume.turns import SideTurns
from shared.runtime.consume.writer import Work, steps_of
from shared.runtime.errors import Rejected, Retryable
from shared.runtime.tail import Tail, incarnation_after

# -- first offsets --


def test_records_that_follow_are_taken() -> None:
    reading = Reading(expected=10)
    assert reading.judge(10, 14, 15) is Verdict.TAKE
    reading.taken(14)
    assert reading.expected == 15
    assert reading.judge(15, 15, 16) is Verdict.TAKE


def test_records_fetched_before_the_last_seek_are_stale() -> None:
    # They lie beyond the cursor, as after a gap, and yet the ones between were never taken.
    assert Reading(expected=10).judge(20, 29, 10) is Verdict.STALE
    assert Reading(expected=10).judge(10, 19, 15) is Verdict.STALE
    assert Reading(expected=10).judge(10, 19, None) is Verdict.STALE


def test_a_gap_is_believed_when_the_log_says_so() -> None:
    reading = Reading(expected=10)
    # A fetch that was lost twice looks the same: seeing a jump again proves nothing.
    assert reading.judge(13, 15, 16) is Verdict.LOOK
    assert reading.judge(13, 15, 16) is Verdict.LOOK
    reading.begins = 13
    assert reading.judge(14, 15, 16) is Verdict.LOOK
    assert reading.judge(13, 15, 16) is Verdict.TAKE
    reading.taken(15)
    # What was said of one gap says nothing of the next.
    assert reading.judge(13, 15, 16) is Verdict.LOOK
    assert reading.judge(18, 19, 20) is Verdict.LOOK


def test_repeats_are_looked_at() -> None:
    reading = Reading(expected=10)
    assert reading.judge(8, 12, 13) is Verdict.LOOK
    assert reading.judge(8, 12, 13) is Verdict.LOOK
    assert reading.expected == 10


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 5), st.booleans()), max_size=30),
)
def test_nothing_between_two_taken_fetches_is_ever_skipped(
    fetches: list[tuple[int, int, bool]],
) -> None:
    """A log without gaps: whatever is fetched, in whatever order, what is taken is contiguous."""
    reading, taken = Reading(expected=0), 0
    for first, length, sought_since in fetches:
        last = first + length
        verdict = reading.judge(first, last, 0 if sought_since else last + 1)
        if verdict is Verdict.LOOK:
            # The engine seeks to what is expected, and a log without gaps answers with just that.
            begin, last = reading.expected, reading.expected + length
            assert reading.judge(begin, last, last + 1) is Verdict.TAKE
            verdict = Verdict.TAKE
        else:
            begin = first
        if verdict is Verdict.TAKE:
            assert begin == taken
            reading.taken(last)
            taken = last + 1


# -- parking limits --


def history(**limits: float) -> RejectHistory:
    return RejectHistory(ParkingLimits(**limits))


def test_a_run_of_rejects_stops() -> None:
    seen = history(run_max=3, window=100)
    assert [seen.add(rejected=True) for _ in range(2)] == [None, None]
    seen.passed(1)
    assert [seen.add(rejected=True) for _ in range(2)] == [None, None]
    assert seen.add(rejected=True) == "3 records in a row were rejected"


def test_a_share_of_rejects_stops_once_the_window_is_full() -> None:
    seen = history(run_max=100, share_max=0.5, window=10)
    for turn in range(5):
        assert seen.add(rejected=True) is None, turn
        assert seen.add(rejected=False) is None, turn
    assert seen.add(rejected=True) is None
    assert seen.add(rejected=True) == "6 of the last 10 records were rejected"


def test_records_that_pass_are_never_held_up() -> None:
    seen = history(run_max=1, share_max=0.0, window=2)
    assert seen.add(rejected=True) is not None
    assert seen.add(rejected=False) is None
    assert seen.add(rejected=False) is None


def test_a_copy_is_tried_on_without_effect() -> None:
    seen = history(run_max=2, window=10)
    twin = seen.copy()
    assert twin.add(rejected=True) is None
    assert twin.add(rejected=True) is not None
    assert seen.add(rejected=True) is None


@given(st.lists(st.booleans(), max_size=60))
def test_passing_many_is_passing_each(flags: list[bool]) -> None:
    one, many = history(run_max=4, share_max=0.4, window=9), history(run_max=4, share_max=0.4, window=9)
    waiting = 0
    for rejected in flags:
        verdict = one.add(rejected=rejected)
        if rejected:
            many.passed(waiting)
            waiting = 0
            assert many.add(rejected=True) == verdict
        else:
            waiting += 1


# -- kinds of errors --


@pytest.mark.parametrize(
    "error",
    [
        Retryable("x"),
        OSError("x"),
        TimeoutError(),
        asyncpg.ConnectionDoesNotExistError("x"),
        asyncpg.DeadlockDetectedError("x"),
        asyncpg.SerializationError("x"),
        asyncpg.AdminShutdownError("x"),
        asyncpg.DiskFullError("x"),
        asyncpg.InterfaceError("connection is closed"),
        asyncpg.InternalClientError("cannot switch to state 12; another operation (2) is in progress"),
        NodeNotReadyError(),
    ],
)
def test_what_waiting_can_mend(error: Exception) -> None:
    assert is_away(error)


@pytest.mark.parametrize(
    "error",
    [
        ValueError("x"),
        AssertionError(),
        Rejected("code", "detail"),
        asyncpg.UniqueViolationError("x"),
        asyncpg.UndefinedTableError("x"),
        # "invalid input for query argument": the driver's own error for a value of the wrong type.
        asyncpg.exceptions._base.DataError("x"),
    ],
)
def test_what_waiting_cannot_mend(error: Exception) -> None:
    assert not is_away(error)


# -- pauses and turns --


def test_pauses_double_up_to_the_cap() -> None:
    backoff = Backoff(first_seconds=0.1, cap_seconds=5.0, seed=1)
    pauses = [backoff.next_seconds() for _ in range(2000)]
    assert all(
        0.75 * min(5.0, 0.1 * 2 ** min(n, 40)) <= p <= min(5.0, 0.1 * 2 ** min(n, 40))
        for n, p in enumerate(pauses)
    )
    backoff.reset()
    assert backoff.next_seconds() <= 0.1


def test_side_work_and_batches_alternate() -> None:
    now = 100.0
    turns = SideTurns(lambda: now, exists=True)
    assert turns.comes_first(batch_waits=True)
    turns.took(side=True)
    assert not turns.comes_first(batch_waits=True)
    assert turns.comes_first(batch_waits=False)
    turns.took(side=False)
    assert turns.comes_first(batch_waits=True)
    turns.idle()
    assert turns.seconds() == pytest.approx(1.0)
    turns.wake()
    assert turns.seconds() == 0.0


def test_side_work_that_fails_is_left_alone_for_a_while() -> None:
    now = 100.0
    turns = SideTurns(lambda: now, exists=True)
    first = turns.failed()
    turns.wake()
    assert turns.seconds() == pytest.approx(first)
    assert turns.failed() > first
    turns.worked()
    assert turns.failed() <= 1.0


def test_without_side_work_nothing_is_waited_for() -> None:
    turns = SideTurns(lambda: 0.0, exists=False)
    assert turns.seconds() is None
    assert not turns.comes_first(batch_waits=False)


# -- steps --

A, B = Partition("t", 0), Partition("t", 1)


def record(partition: Partition, offset: int) -> Record:
    return Record(partition.topic, partition.partition, offset, None, b"", (), 0)


class _Prepared:
    parked = ()

    def __init__(self, *advances: Advance) -> None:
        self.advances = advances


def work(claims: dict[Partition, Claim], *records: Record) -> Work:
    starts = {p: c.next_offset for p, c in claims.items()}
    return Work.of(Batch(records, claims, starts), port=None)  # type: ignore[arg-type]


def claim(partition: Partition, next_offset: int) -> Claim:
    return Claim(partition, 3, next_offset, 7, 8, 1)


def test_steps_of_a_batch_go_from_the_cursor_to_its_end() -> None:
    batch = work({A: claim(A, 5), B: claim(B, 0)}, record(A, 5), record(A, 6), record(B, 0))
    steps = steps_of(batch, _Prepared(Advance(A, 7, 2, 1), Advance(B, 1)))
    assert [tuple(s) for s in steps] == [(A, 3, 5, 7, 2, 1), (B, 3, 0, 1, 0, 0)]
    assert batch.counts == {A: 2, B: 1}


def test_advances_that_do_not_fit_the_batch_are_bugs() -> None:
    batch = work({A: claim(A, 5), B: claim(B, 0)}, record(A, 5), record(B, 0))
    with pytest.raises(AssertionError):
        steps_of(batch, _Prepared(Advance(A, 6)))
    with pytest.raises(AssertionError):
        steps_of(batch, _Prepared(Advance(A, 7), Advance(B, 1)))
    with pytest.raises(KeyError):
        steps_of(batch, _Prepared(Advance(A, 6), Advance(A, 6), Advance(B, 1)))


def test_a_batch_prepared_for_another_place_is_stale() -> None:
    batch = work({A: claim(A, 5)}, record(A, 5))
    batch.claims[A].next_offset = 4
    with pytest.raises(Stale):
        steps_of(batch, _Prepared(Advance(A, 6)))


def test_side_work_leaves_the_cursor_where_it_is_by_then() -> None:
    claims = {A: claim(A, 5)}
    piece = Work(port=None, claims=claims)  # type: ignore[arg-type]
    claims[A].next_offset = 9
    assert [tuple(s) for s in steps_of(piece, _Prepared(Advance(A, 5, 1, 0)))] == [(A, 3, 9, 9, 1, 0)]
    with pytest.raises(AssertionError):
        steps_of(piece, _Prepared())


# -- incarnations --


@pytest.mark.parametrize(
    ("tail", "wanted"),
    [
        (None, 3),
        (Tail(3, 10), 3),
        (Tail(3, 9), 3),
        (Tail(2, 99), 3),
        (Tail(3, 11), 4),
        (Tail(5, 1), 6),
    ],
)
def test_what_the_database_does_not_know_of_begins_a_new_incarnation(tail: Tail | None, wanted: int) -> None:
    assert incarnation_after(tail, incarnation=3, out_seq=10) == wanted
