"""All shelves as plain parts: only what can still matter from the last closed day on.

Only the parts that a fact has touched are packed again. One that nobody has touched stays as it was packed
under an earlier closed day: it says the same of later days, and a little more of those before.
"""

from collections.abc import Iterable

from scoring.domain.facts import Day
from scoring.domain.rubric_sections import Rubric
from scoring.domain.shelves import KINDS, Parts, Shelves, Touched
from scoring.domain.size import Terms


class Packer:
    """Packs the shelves of one compound and remembers the parts."""

    __slots__ = ("_parts", "_stale")

    def __init__(self, rubric: Rubric, parts: Parts | None = None) -> None:
        """`parts`: those that the shelves were made of; without them everything is yet to be packed."""
        self._parts: Parts = {} if parts is None else parts
        self._stale: set[str] = set(_names(rubric)) if parts is None else set()

    def clear(self, rubric: Rubric) -> None:
        """Everything is to be packed again."""
        self._stale.update(_names(rubric))

    def touch(self, names: Touched) -> None:
        """These are to be packed again."""
        self._stale.update(names)

    @property
    def stale(self) -> bool:
        """Whether anything is to be packed again."""
        return bool(self._stale)

    def pack(self, shelves: Shelves, terms: Terms, as_of: Day | None) -> Parts:
        """The shelves as of a closed day; everything when no day was closed yet."""
        parts = self._parts
        for name in self._stale:
            packed = shelves.pack(name, terms, as_of or 0)
            if packed:
                parts[name] = packed
            else:
                parts.pop(name, None)
        self._stale.clear()
        return dict(parts)


def _names(rubric: Rubric) -> Iterable[str]:
    return (*rubric.layout.codes, *KINDS)
