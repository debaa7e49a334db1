"""Workers are killed, frozen and cut off from their database under load; then a reader of its own counts."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from shared.runtime.settings import KafkaSettings

from tests.faults.hurting import PARTITIONS, SESSION_MS, endure
from tests.integration.runtime.audit import judge

SECONDS = 25.0


@pytest.mark.parametrize("seed", [7])
async def test_hurt_workers_take_everything_once(
    seed: int,
    make_kafka: Callable[..., Awaitable[KafkaSettings]],
    make_database: Callable[[str | None], Awaitable[str]],
    tmp_path: Path,
) -> None:
    kafka = await make_kafka(partitions=PARTITIONS, session_timeout_ms=SESSION_MS)
    url = await make_database(None)
    figures, found, events = await endure(kafka, url, tmp_path, seconds=SECONDS, seed=seed)
    print(json.dumps(figures))
    assert found.clean, found
    assert events["consumer_failed"] == 0
    assert sum(figures["faults"].values()) >= 5


def test_the_audit_sees_what_is_lost_and_what_is_doubled() -> None:
    facts = {(0, 0), (0, 1), (0, 2)}
    taken = [(0, 0, 1), (0, 1, 2), (0, 2, 3)]
    outcomes = [(0, 1, (0, 0)), (0, 2, (0, 1)), (0, 3, (0, 2))]
    parked: set[tuple[int, int]] = set()
    assert judge(facts=facts, taken=taken, parked=parked, outcomes=outcomes).clean
    lost = judge(facts=facts, taken=taken[:2], parked=parked, outcomes=outcomes)
    assert (lost.lost, lost.clean) == ([(0, 2)], False)
    doubled = judge(facts=facts, taken=[*taken, (0, 1, 4)], parked=parked, outcomes=outcomes)
    assert (doubled.doubled, doubled.clean) == ([(0, 1)], False)
    gap = judge(facts=facts, taken=[*taken[:2], (0, 2, 4)], parked=parked, outcomes=outcomes)
    assert (gap.ledger_gaps, gap.clean) == ([0], False)
    unsaid = judge(facts=facts, taken=taken, parked=parked, outcomes=outcomes[:2])
    assert (unsaid.outcomes_lost, unsaid.clean) == ([(0, 2)], False)
    twice = judge(facts=facts, taken=taken, parked=parked, outcomes=[*outcomes, (0, 4, (0, 2))])
    assert (twice.outcomes_doubled, twice.clean) == ([(0, 2)], False)
