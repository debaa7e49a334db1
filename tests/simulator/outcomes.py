"""Compares what was decided to announce with what a reader of the topic hears."""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple, TypeAlias

from tests.simulator.broker import Log

Position: TypeAlias = tuple[int, int]
"""Incarnation and sequence."""
Ghost: TypeAlias = tuple[tuple[int, int, int], str, bytes]
"""An outcome that was decided and lost by a fail-over: partition, incarnation, sequence; cause and value."""


class Told(NamedTuple):
    """An outcome as it was decided or published, and when."""

    cause: str
    value: bytes
    at: float


class Heard(NamedTuple):
    """What is wrong, and how many outcomes a fail-over has hidden from readers."""

    wrong: list[str]
    hidden: int


def told(tables: Mapping[str, Mapping[Any, Any]], number: int) -> dict[Position, Told]:
    """What one partition has decided to announce, in order."""
    return {
        (incarnation, sequence): row
        for (n, incarnation, sequence), row in sorted(tables["told"].items())
        if n == number
    }


def compare(
    number: int, decided: Mapping[Position, Told], last: int, topic: Log, ghosts: Collection[Ghost]
) -> Heard:
    """Whether a reader hears just what was decided; `last` is the sequence of the cursor."""
    wrong = []
    if sorted(sequence for _, sequence in decided) != list(range(1, last + 1)):
        wrong.append(f"{number}: outcome numbers {sorted(decided)} up to {last}")
    heard, repeats = _heard(topic)
    hidden = 0
    for position, row in decided.items():
        other = heard.get(position)
        if other is not None and other[:2] == row[:2]:
            continue
        # The one thing that a fail-over may do to readers: a relay had it in hand, the database forgot it,
        # and its number was given again before the topic could tell.
        looked = max((at for at in topic.looks if at < row.at), default=0.0)
        if other is not None and other.at > looked and ((number, *position), *other[:2]) in ghosts:
            hidden += 1
        else:
            wrong.append(f"{number}: outcome {position} {row} was heard as {other}")
    known = {(position, *row[:2]) for position, row in decided.items()}
    known |= {(place[1:], cause, value) for place, cause, value in ghosts if place[0] == number}
    for position, row in [*heard.items(), *repeats]:
        if (position, *row[:2]) not in known:
            wrong.append(f"{number}: {position} {row} was published and never decided")
    return Heard(wrong, hidden)


def _heard(topic: Log) -> tuple[dict[Position, Told], list[tuple[Position, Told]]]:
    """What a reader hears, and what it drops: all that is not above its last sequence of an incarnation."""
    heard: dict[Position, Told] = {}
    dropped: list[tuple[Position, Told]] = []
    last: dict[int, int] = {}
    for record in topic.records:
        headers = dict(record.headers)
        incarnation, sequence = int(headers["incarnation"]), int(headers["partition-sequence"])
        row = Told(headers["cause-id"].decode(), record.value or b"", record.at)
        if sequence > last.get(incarnation, 0):
            heard[incarnation, sequence] = row
            last[incarnation] = sequence
        else:
            dropped.append(((incarnation, sequence), row))
    return heard, dropped
