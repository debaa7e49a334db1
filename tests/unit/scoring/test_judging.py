"""Every distinct event ends in the ledger or its history, whatever order it comes in and however often."""

from itertools import permutations

from scoring.domain.facts import Fact
from scoring.handlers.judging import judge
from scoring.handlers.plan import Plan
from scoring.ports import Arrival, FactKey, Known


def _arrival(event: str, revision: int, *, received: int = 1, content: str = "a", offset: int = 0) -> Arrival:
    fact = Fact("C1", "root", revision, event, "urn:test", "incident.recorded", 1, 1, received)
    return Arrival(fact, 0, offset, f"{event}|{content}".encode())


def _fingerprint(body: bytes) -> bytes:
    return body


def _judge(batches: list[list[Arrival]]) -> tuple[Known, set[bytes]]:
    """What counts at the end, and everything in the history, as a ledger would keep it."""
    ledger: dict[FactKey, Known] = {}
    history: set[bytes] = set()
    for batch in batches:
        plan = Plan()
        judge(plan, batch, ledger, _fingerprint)
        for row in plan.ledger:
            if row.replaces is not None:
                assert ledger[row.arrival.key] is row.replaces
                history.add(row.replaces.body)
            ledger[row.arrival.key] = Known(row.arrival.fact, row.arrival.body)
        history |= {arrival.body for arrival in plan.history}
        assert plan.heads.items() <= ledger.items()
    return ledger["C1", "root"], history


EVENTS = [
    _arrival("one", 1),
    _arrival("two", 2, received=9),
    _arrival("other two", 2, received=5),
    _arrival("two", 2, received=9, content="changed"),
]


def test_any_order_and_split_keeps_the_same_head_and_history() -> None:
    for order in permutations(EVENTS):
        for split in range(len(order) + 1):
            head, history = _judge([list(order[:split]), list(order[split:]), list(order)])
            assert head.body == b"other two|a"
            assert history == {b"one|a", b"two|a", b"two|changed"}


def test_what_goes_and_what_comes() -> None:
    plan = Plan()
    judged = judge(plan, EVENTS[:2], {}, _fingerprint)
    changes = judged.changes["C1"]
    assert [(None if one.gone is None else one.gone.event_id, one.come.event_id) for one in changes] == [
        (None, "one"),
        ("one", "two"),
    ]
    assert plan.judged == {"new": 1, "replaces": 1}
    assert [row.arrival.fact.event_id for row in plan.ledger] == ["two"]
    assert [arrival.fact.event_id for arrival in plan.history] == ["one"]


def test_the_same_event_with_other_stamps_is_a_repeat() -> None:
    first, again = _arrival("one", 1, content="x"), _arrival("one", 1, received=7, content="y")
    plan = Plan()
    judge(plan, [again], {first.key: Known(first.fact, first.body)}, lambda _: b"same")
    assert plan.judged == {"repeat": 1}
    assert not plan.ledger
    assert not plan.history
