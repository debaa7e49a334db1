"""The outcomes topic: sequences dense, repeats the same bytes, ids unique, the last word as in the state."""

import json
from collections import defaultdict
from typing import Any

from tests.faults.findings import Findings
from tests.faults.judging_facts import place_of
from tests.faults.reading import Reading, Told
from tests.integration.runtime.audit import effective, sequence

SCORE = "anxing.outcome.score.updated.v1"
STAR = "anxing.outcome.star.changed.v1"


def judge_outcomes(reading: Reading, findings: Findings) -> int:
    """Answers how many records were repeats, which readers drop."""
    first: dict[tuple[int, int, int], Told] = {}
    for one in reading.outcomes:
        place = (one.partition, *sequence(one))
        before = first.setdefault(place, one)
        if (before.key, before.value, before.headers) != (one.key, one.value, one.headers):
            findings.differences.append(f"outcome {place} was published again as another")
    kept: list[Told] = effective(reading.outcomes)
    for cursor in reading.tables["input_cursor"]:
        if cursor["topic"] == reading.facts_topic:
            mine = [sequence(one) for one in kept if one.partition == cursor["partition"]]
            what = f"outcome of partition {cursor['partition']}"
            findings.dense(what, cursor["out_seq"], [number for _, number in mine])
            findings.equal(
                f"incarnations of partition {cursor['partition']}", set(), {i for i, _ in mine} - {1}
            )
    events = [json.loads(one.value or b"") for one in kept]
    ids = [event["id"] for event in events]
    findings.compare("outcome id", set(ids), ids)
    for one, event in zip(kept, events, strict=True):
        key = event["subject"].encode()
        wanted = (key, place_of(key, reading.partitions))
        findings.equal(f"place of outcome {event['id']}", wanted, (one.key, one.partition))
    _net(reading, findings, events)
    return len(reading.outcomes) - len(kept)


def _net(reading: Reading, findings: Findings, events: list[dict[str, Any]]) -> None:
    """What the outcomes of a compound add up to: each begins where the last ended, the last is the state."""
    scores: dict[str, list[dict[str, Any]]] = defaultdict(list)
    stars: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for event in events:
        if event["type"] == SCORE:
            scores[event["subject"]].append(event["data"])
        if event["type"] == STAR:
            stars[event["subject"]].append(event["data"])
    for state in reading.tables["compound_state"]:
        compound, star, score, version = state["compound"], None, None, 0
        for told in stars[compound]:
            findings.equal(f"star before a change of {compound}", star, told.get("from"))
            star = told.get("to")
        findings.equal(f"last star told of {compound}", state["dynamic_star"], star)
        for told in scores[compound]:
            what = f"version {told['version']} of {compound}"
            findings.equal(f"score before {what}", score, told.get("previous"))
            if told["version"] <= version:
                findings.repeated.append(f"{what} was told after version {version}")
            score, version = told.get("score_milli"), told["version"]
        if version > state["version"]:
            findings.differences.append(f"version {version} of {compound} was told and is not stored")
        last = scores[compound][-1] if scores[compound] else {}
        parts = json.loads(state["shown"])
        findings.equal(
            f"last score told of {compound}",
            (
                state["score_milli"],
                state["star"],
                state["rated"],
                parts.get("categories", {}),
                parts.get("bonus_milli", 0),
            ),
            (
                last.get("score_milli"),
                last.get("star"),
                last.get("rated", False),
                last.get("categories", {}),
                last.get("bonus_milli", 0),
            ),
        )
