"""What a book has worked out and need not find again: the points of its items, the deadlines of its hazards.

All of it follows from the shelves and the registry, and may be lost at any time. Kept with a packed book it
saves the look at everything that the first look at a day would cost.
"""

from scoring.domain.board import Board, Look
from scoring.domain.deadlines import Deadlines, upcoming
from scoring.domain.facts import Day
from scoring.domain.rubric_sections import Rubric
from scoring.domain.shelf import Plain
from scoring.domain.shelves import Shelves, Touched
from scoring.domain.size import Terms


class Recall:
    """The memory of one book for one registry."""

    __slots__ = ("_closed", "_deadlines", "_open", "_rubric")

    def __init__(self, rubric: Rubric, board: Board | None = None) -> None:
        self._rubric = rubric
        # Closed and open days are asked for in turn; each keeps what it has seen.
        self._open = board or Board(rubric)
        self._closed: Board | None = None
        self._deadlines: Deadlines | None = None

    def look(self, shelves: Shelves, terms: Terms, day: Day, *, closed: bool) -> Look:
        """The result of `day`."""
        if not closed:
            return self._open.look(shelves, terms, day)
        if self._closed is None:
            self._closed = self._open.copy()
        return self._closed.look(shelves, terms, day)

    def touch(self, names: Touched) -> None:
        """These items and shelves have changed."""
        self._open.touch(self._rubric, names)
        if self._closed is not None:
            self._closed.touch(self._rubric, names)

    def touch_hazard(self, shelves: Shelves, hazard_id: str) -> None:
        """The events of this hazard have changed; raises Forgotten when they were left out."""
        if self._deadlines is not None:
            events = shelves.hazards.of(hazard_id)
            self._deadlines = self._deadlines.changed(hazard_id, events, self._rubric.hazards)

    def deadlines(self, shelves: Shelves, day: Day, *, exact: bool = False) -> Deadlines:
        """The deadlines as known on `day`; `exact`: with the very day on which to look again."""
        found = self._deadlines
        if found is None or not found.day <= day < found.until or (exact and not found.exact):
            found = self._deadlines = upcoming(shelves.hazards.events, self._rubric.hazards, day)
        return found

    def pack(self) -> Plain:
        """What `unpack` makes the same of."""
        return (self._open.remember(self._rubric), self._deadlines and tuple(self._deadlines))

    @classmethod
    def unpack(cls, plain: Plain, rubric: Rubric) -> "Recall":
        board, deadlines = plain
        recall = cls(rubric, Board.recall(board, rubric) if board else None)
        if deadlines:
            day, until, overdue, exact = deadlines
            recall._deadlines = Deadlines(day, until, tuple(overdue), exact)
        return recall
