"""Pauses between tries of something that may stay away for long: doubling, with jitter, up to a cap."""

from __future__ import annotations

import random

JITTER = 0.25


class Backoff:
    """The pauses of one thing that is tried again and again; `reset` when it worked.

    For loops that go on for ever and do other things in between; a bounded retry of one call is stamina's.
    """

    __slots__ = ("_cap", "_first", "_random", "tries")

    def __init__(self, *, first_seconds: float, cap_seconds: float, seed: int | None = None) -> None:
        self._first = first_seconds
        self._cap = cap_seconds
        # The generator of the process serves all of them: whoever seeds it gets the same pauses again.
        self._random = random.random if seed is None else random.Random(seed).random  # noqa: S311 - spreads load
        self.tries = 0

    def next_seconds(self) -> float:
        """Until the next try: at most the cap, at least three quarters of the plain doubling."""
        # The exponent is bounded: after a day of tries 2**n is no float any more.
        plain = min(self._cap, self._first * 2.0 ** min(self.tries, 30))
        self.tries += 1
        return plain * (1.0 - JITTER * self._random())

    def reset(self) -> None:
        """It worked: the next pause is the first again."""
        self.tries = 0
