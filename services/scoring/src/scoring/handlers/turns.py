"""Taking turns with everything else in the process: a long loop must not hold up heartbeats and answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import TypeVar

T = TypeVar("T")

# About a millisecond of folding between two looks at what else there is to do.
STRIDE = 32


async def in_turns(items: Iterable[T]) -> AsyncIterator[T]:
    """The items one by one, with a turn for others in between."""
    for place, item in enumerate(items, 1):
        yield item
        if place % STRIDE == 0:
            await asyncio.sleep(0)
