"""Lists in pieces."""

from __future__ import annotations

from typing import Annotated, Generic, TypeVar

import msgspec
from litestar.params import QueryParameter

Item = TypeVar("Item")

Limit = Annotated[int, QueryParameter(ge=1, le=200, description="entries of one answer")]


class Page(msgspec.Struct, Generic[Item], frozen=True):
    """One piece of a list; `next` is what to send as `before` (or `after`) for the piece that follows."""

    items: list[Item]
    next: str | None


def page_of(items: list[Item], ids: list[str], limit: int) -> Page[Item]:
    """A page; a full one has a next."""
    return Page(items, ids[-1] if len(items) == limit else None)
