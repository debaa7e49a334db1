"""Collection of cycles happens after a warm-up, when idle, and never too often."""

import gc
from collections.abc import Iterator

import pytest
from scoring.collecting import AT_THE_LATEST_SECONDS, EVERY_SECONDS, EVERYTHING_SECONDS, Collector


@pytest.fixture
def collected(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    calls: list[int] = []
    monkeypatch.setattr(gc, "collect", lambda: calls.append(1) or 0)
    monkeypatch.setattr(gc, "freeze", lambda: None)
    yield calls
    gc.enable()


def test_takes_over_after_the_warm_up(collected: list[int]) -> None:
    now = 0.0
    collector = Collector(2, lambda: now)
    collector.idle()
    collector.batch_done()
    assert gc.isenabled()
    collector.batch_done()
    assert not gc.isenabled()
    assert len(collected) == 1
    collector.idle()
    collector.batch_done()
    assert len(collected) == 1
    now += EVERY_SECONDS
    collector.batch_done()
    assert len(collected) == 1
    collector.idle()
    collector.idle()
    assert len(collected) == 2
    now += AT_THE_LATEST_SECONDS
    collector.batch_done()
    assert len(collected) == 3


def test_leaves_everything_alone_when_told_so(collected: list[int]) -> None:
    collector = Collector(0, lambda: 0.0)
    collector.begin()
    for _ in range(5):
        collector.batch_done()
        collector.idle()
    assert gc.isenabled()
    assert not collected


def test_what_the_imports_made_is_walked_through_before_the_first_batch(collected: list[int]) -> None:
    Collector(3, lambda: 0.0).begin()
    assert len(collected) == 1
    assert gc.isenabled()


def test_only_what_is_newer_is_walked_through_and_everything_once_an_hour(
    collected: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    frozen: list[str] = []
    monkeypatch.setattr(gc, "freeze", lambda: frozen.append("freeze"))
    monkeypatch.setattr(gc, "unfreeze", lambda: frozen.append("unfreeze"))
    now = 0.0
    collector = Collector(1, lambda: now)
    collector.begin()
    collector.batch_done()
    while now < EVERYTHING_SECONDS:
        now += EVERY_SECONDS
        collector.idle()
    assert frozen.count("unfreeze") == 1
    assert frozen[-2:] == ["unfreeze", "freeze"]
    assert frozen.count("freeze") == len(collected)
