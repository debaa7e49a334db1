"""What the records of the simulated topic mean, for the service and, apart from it, for whoever judges it."""

import zlib
from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from shared.runtime.consume import Record
from shared.runtime.outbox import OutboxRow

from tests.simulator.service import Stage

PLAIN, WORK, REJECT, POISON, POISON_IN_WRITE, GLITCH = "plain", "work", "reject", "poison", "late", "glitch"
# A record that is left alone gets two tries: a bug that comes once does not park what it met.
GLITCHES_MAX = 1


class State(NamedTuple):
    """Of one key: how often it changed, the hash over its records in their order, the work done on it."""

    steps: int = 0
    chain: int = 0
    worked: int = 0

    def worked_on(self) -> "State":
        return State(self.steps + 1, self.chain, self.worked + 1)


def fold(state: State, offset: int) -> State:
    """The state after a record: no other order, number or choice of records gives the same."""
    return State(state.steps + 1, zlib.crc32(f"{state.chain}|{offset}".encode()), state.worked)


class Rules:
    """One run's topic, and the failures that lie in its records."""

    def __init__(self, stage: Stage, output: str, *, coalesces: bool) -> None:
        """`coalesces`: one outcome for a key in each batch, as scoring does, so that other batches of the
        same records give other outcomes.
        """
        self._weather = stage.weather
        self._stage = stage
        self._output = output
        self._glitches: Counter[tuple[int, int]] = Counter()
        self.broken = stage.broken
        self.coalesces = coalesces

    @property
    def all_is_kept(self) -> bool:
        """Whether what the server has called committed is there for ever."""
        return self._stage.all_is_kept

    def key_of(self, record: Record) -> str:
        return (record.key or b"").decode()

    def rejects(self, record: Record) -> bool:
        return _kind(record) == REJECT

    def makes_work(self, record: Record) -> bool:
        return _kind(record) == WORK

    def may_fail(self, record: Record, where: str) -> None:
        """Raise what a bug raises: always for poison, once for a glitch."""
        kind, place = _kind(record), (record.partition, record.offset)
        if kind == POISON and where == "prepare":
            raise RuntimeError("poison")
        if kind == POISON_IN_WRITE and where == "write":
            raise RuntimeError("poison")
        if kind == GLITCH and self._glitches[place] < GLITCHES_MAX and not self._weather.is_calm:
            self._glitches[place] += 1
            raise RuntimeError("a race that does not come twice")

    def may_fail_by_chance(self) -> None:
        """Raise what a bug of side work raises."""
        if self._weather.strikes(self._weather.bug, "side work bugs"):
            raise RuntimeError("side work fails")

    def outcome(self, record: Record, states: Mapping[str, State]) -> OutboxRow:
        """What is announced of a record: its place, and the state after it."""
        key = self.key_of(record)
        value = str(states[key].chain).encode()
        return OutboxRow(record.partition, self._output, key, value, f"{record.partition}/{record.offset}")

    def chore_outcome(self, partition: int, key: str, work: str) -> OutboxRow:
        """What is announced of a piece of work."""
        return OutboxRow(partition, self._output, key, b"done", f"work/{work}")


def _kind(record: Record) -> str:
    return (record.value or b"").decode()
