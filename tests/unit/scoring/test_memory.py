"""Memory that may be ahead of the database: pins, heads, forgetting, and what waits for a write."""

import asyncio
from typing import cast

import pytest
from scoring.domain.facts import Fact
from scoring.handlers.memory import Compounds, Held
from scoring.handlers.plan import Plan
from scoring.ports import Known


def _plan(*compounds: str, partition: int = 0) -> Plan:
    return Plan(compounds=dict.fromkeys(compounds, partition))


def _known(compound: str, root: str) -> Known:
    return Known(Fact(compound, root, 1, root, "urn:test", "incident.recorded", 1, 1, 1), b"")


def _fill(memory: Compounds, *compounds: str, partition: int = 0) -> None:
    for compound in compounds:
        memory.put(Held(compound, partition))


def test_the_least_used_goes_first_but_never_a_pinned_one() -> None:
    memory = Compounds(2, 0)
    _fill(memory, "A", "B", "C", "D")
    memory.get("A")
    pinned = _plan("B")
    memory.hold(pinned)
    other = _plan("D")
    memory.hold(other)
    memory.release(other)
    assert memory.get("B") is not None
    assert memory.get("C") is None
    assert len(memory) == 2
    memory.release(pinned)
    assert len(memory) == 2


def test_compounds_being_prepared_stay() -> None:
    memory = Compounds(0, 0)
    _fill(memory, "A", "B")
    with memory.preparing({"A": 0}):
        memory.hold(plan := _plan("B"))
        memory.release(plan)
        assert memory.get("A") is not None
        assert memory.get("B") is None


def test_the_newest_unwritten_head_counts_until_its_plan_is_written() -> None:
    memory = Compounds(10, 10)
    first, second = _plan("A"), _plan("A")
    first.heads["A", "r"] = _known("A", "r")
    second.heads["A", "r"] = newest = _known("A", "r")
    memory.hold(first)
    memory.hold(second)
    assert memory.head(("A", "r")) is newest
    memory.release(first)
    assert memory.head(("A", "r")) is newest
    memory.release(second)
    assert memory.head(("A", "r")) is None


def test_what_is_forgotten_is_void() -> None:
    memory = Compounds(10, 10)
    _fill(memory, "A", "B")
    _fill(memory, "X", partition=1)
    plan = _plan("A")
    memory.hold(plan)
    memory.forget([0])
    assert (memory.get("A"), memory.get("B")) == (None, None)
    assert memory.get("X") is not None
    memory.release(plan)  # a commit that was in doubt: it changes nothing any more
    memory.hold(again := _plan("A"))
    memory.release(again)
    assert memory.get("A") is None


async def test_settled_waits_for_the_write() -> None:
    memory = Compounds(10, 10)
    first, second = _plan("A"), _plan("A", "B")
    memory.hold(first)
    memory.hold(second)
    waiting = asyncio.ensure_future(memory.settled(["A"]))
    await memory.settled(["Z"])
    memory.release(first)
    await asyncio.sleep(0)
    assert not waiting.done()
    memory.release(second)
    await waiting


async def test_settled_gives_up_on_a_write_that_never_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scoring.handlers.memory.SETTLE_SECONDS_MAX", 0.01)
    memory = Compounds(10, 10)
    memory.hold(_plan("A"))
    with pytest.raises(TimeoutError):
        await memory.settled(["A"])


class Book:
    """As much of a book as memory looks at."""

    def __init__(self, *, whole: bool) -> None:
        self.whole = whole


def _awake(memory: Compounds, compound: str, *, whole: bool, stored: bool = True) -> Held:
    held = Held(compound, 0)
    held.book = cast("None", Book(whole=whole))
    held.stored = cast("None", object()) if stored else None
    memory.put(held)
    return held


def test_whole_books_are_few() -> None:
    memory = Compounds(10, 1)
    both = []
    for compound in ("A", "B"):
        both.append(_awake(memory, compound, whole=True))
        memory.hold(plan := _plan(compound))
        memory.release(plan)
    assert [held.book is None for held in both] == [True, False]


def test_what_is_prepared_falls_asleep_unless_its_book_is_whole_or_says_more_than_is_stored() -> None:
    memory = Compounds(10, 1)
    thin = _awake(memory, "A", whole=False)
    whole = _awake(memory, "B", whole=True)
    unsaid = _awake(memory, "C", whole=False, stored=False)
    memory.hold(_plan("A", "B", "C"))
    assert thin.book is None
    assert whole.book is not None
    assert unsaid.book is not None


def test_ten_times_as_many_compounds_do_not_make_it_larger() -> None:
    bound, at_once = 50, 10
    memory = Compounds(bound, 5)
    largest = 0
    written = _plan()
    for first in range(0, 10 * bound, at_once):
        # One batch is prepared while the one before is written.
        touched = [f"C{number}" for number in range(first, first + at_once)]
        with memory.preparing(dict.fromkeys(touched, 0)):
            _fill(memory, *touched)
            memory.hold(coming := _plan(*touched))
            memory.release(written)
            largest = max(largest, len(memory))
        written = coming
    memory.release(written)
    assert largest <= bound
    assert len(memory) == bound
    assert all(memory.get(f"C{number}") is not None for number in range(9 * bound, 10 * bound))
