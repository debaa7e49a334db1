"""Waiting for something to become true, with a deadline and the last reason why it was not."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import TypeVar

T = TypeVar("T")


async def eventually(
    check: Callable[[], T | Awaitable[T]], deadline: float = 40.0, *, every: float = 0.05
) -> T:
    """Answers what `check` answers as soon as it is true; an assertion or a false answer means "not yet".

    At the deadline the last assertion is raised, or one that shows the last answer.
    """
    until = monotonic() + deadline
    while True:
        failure: AssertionError | None = None
        answer: T | None = None
        try:
            answered = check()
            answer = await answered if inspect.isawaitable(answered) else answered
        except AssertionError as error:
            failure = error
        if failure is None and answer:
            return answer
        if monotonic() >= until:
            raise failure or AssertionError(f"not within {deadline} s, last answer: {answer!r}")
        await asyncio.sleep(every)
