"""A whole system of a test module's own: servers, three services as processes, two of them scoring."""

import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from shared.embedded.bringup import started
from shared.embedded.system import RunningSystem, Wishes


class Quiet:
    """Notes what a start says instead of telling it."""

    def __init__(self) -> None:
        self.said: list[str] = []

    @contextlib.contextmanager
    def step(self, what: str) -> Iterator[None]:
        self.said.append(what)
        yield

    def say(self, what: str) -> None:
        self.said.append(what)


@pytest.fixture(scope="module")
async def system(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningSystem]:
    data: Path = tmp_path_factory.mktemp("system") / "data"
    wishes = Wishes(data, replicas={"intake": 1, "scoring": 2, "notify": 1})
    async with started(wishes, Quiet()) as system:
        yield system
