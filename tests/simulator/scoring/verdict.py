"""Judges what a run of scoring has left behind, by the reader of the fault runs, which knows only topics."""

import json
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from shared.events.topics import FACTS, REGISTRY

from tests.faults.findings import Findings
from tests.faults.judging_facts import judge_facts, judge_registry
from tests.faults.judging_outcomes import SCORE, judge_outcomes
from tests.faults.judging_states import judge_states
from tests.faults.reading import TABLES, Reading
from tests.faults.reading import Told as Heard
from tests.simulator import outcomes
from tests.simulator.broker import Log
from tests.simulator.outcomes import Ghost, Position, Told
from tests.simulator.service import Verdict


class Left(NamedTuple):
    """What is there when everything has come to rest; logs by number of the partition."""

    facts: Mapping[int, Log]
    registry: Log
    outcomes: Mapping[int, Log]
    tables: Mapping[str, Mapping[Any, Any]]
    ghosts: Collection[Ghost]
    """Outcomes that were decided and lost by a fail-over."""
    went_back: bool
    """The database has lost commits, perhaps: cursors may be of later incarnations."""


def judge(left: Left) -> Verdict:
    """What is to be said of a run: nothing is wrong with a good one."""
    wrong: list[str] = []
    hidden = 0
    published: list[Heard] = []
    for number, log in sorted(left.outcomes.items()):
        told = outcomes.told(left.tables, number)
        cursor = left.tables["input_cursor"].get((FACTS.name, number))
        last = 0 if cursor is None else cursor["out_seq"]
        heard = outcomes.compare(number, told, last, log, left.ghosts)
        wrong += heard.wrong
        hidden += heard.hidden
        # After a fail-over readers may have heard what is not true any more: that was compared already.
        published += _decided(number, told) if left.went_back else _records(number, log)
    tables = {name: list(left.tables[name].values()) for name in TABLES}
    if left.went_back:
        tables["input_cursor"] = [{**row, "incarnation": 1} for row in tables["input_cursor"]]
    reading = Reading(
        len(left.facts),
        FACTS.name,
        REGISTRY.name,
        [one for number, log in sorted(left.facts.items()) for one in _records(number, log)],
        _records(0, left.registry),
        published,
        tables,
    )
    findings = Findings()
    judge_facts(reading, findings)
    judge_registry(reading, findings)
    judge_states(reading, findings)
    judge_outcomes(replace(reading, tables={**tables, "compound_state": _told_of(reading)}), findings)
    for name, found in vars(findings).items():
        wrong += [f"{name}: {one}" for one in found]
    return Verdict(wrong, hidden)


def _told_of(reading: Reading) -> list[dict[str, Any]]:
    """States as a reader can know them: of one that was never enrolled while we looked no score is told."""
    scores = (json.loads(one.value or b"") for one in reading.outcomes)
    told = {event["subject"] for event in scores if event["type"] == SCORE}
    return [
        row if row["enrolled"] or row["compound"] in told else {**row, "rated": False}
        for row in reading.tables["compound_state"]
    ]


def _records(number: int, log: Log) -> list[Heard]:
    return [Heard(number, one.offset, one.key, one.value, one.headers) for one in log.records]


def _decided(number: int, told: Mapping[Position, Told]) -> list[Heard]:
    """What was decided as if it had been published, each once, by one incarnation."""
    return [
        Heard(
            number,
            sequence,
            json.loads(row.value)["subject"].encode(),
            row.value,
            (("incarnation", b"1"), ("partition-sequence", b"%d" % sequence)),
        )
        for (_, sequence), row in sorted(told.items(), key=lambda each: each[0][1])
    ]
