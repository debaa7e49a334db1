"""What is wrong: lost, there twice, or not what it should be; all empty is what a good run shows."""

from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import Any

SHOWN_MAX = 20
CHARS_MAX = 600


@dataclass
class Findings:
    """Sentences, each about one row or record."""

    lost: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        return not (self.lost or self.repeated or self.differences)

    def compare(self, what: str, wanted: Iterable[Hashable], found: Iterable[Hashable]) -> None:
        """Each of the wanted ones must be there once, and nothing else."""
        expected, counts = set(wanted), Counter(found)
        self.lost += [f"{what} {one}" for one in sorted(expected - counts.keys(), key=repr)]
        for one, count in counts.items():
            if one not in expected:
                self.differences.append(f"{what} {one} belongs to nothing that happened")
            if count > 1:
                self.repeated.append(f"{what} {one} is there {count} times")

    def equal(self, what: str, wanted: Any, found: Any) -> None:
        if wanted != found:
            self.differences.append(f"{what}: {_short(found)} should be {_short(wanted)}")

    def dense(self, what: str, last: int, numbers: Iterable[int]) -> None:
        """Each number from 1 to `last` once."""
        self.compare(what, range(1, last + 1), numbers)

    def __str__(self) -> str:
        lines = []
        for name, found in vars(self).items():
            lines += [f"{name}: {one}" for one in found[:SHOWN_MAX]]
            if len(found) > SHOWN_MAX:
                lines.append(f"{name}: and {len(found) - SHOWN_MAX} more")
        return "\n".join(lines)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= CHARS_MAX else f"{text[:CHARS_MAX]}…"
