"""Many seeds, a few at once, in one process or several."""

import multiprocessing
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from tests.simulator.world import play

AT_ONCE = 10


class Part(NamedTuple):
    """What came of a few seeds: failures by seed, figures of all, a digest of everything that happened."""

    wrong: dict[int, list[str]]
    counts: Counter[str]
    digest: int
    seeds: int


def batches(service: str, first: int, seeds: int, processes: int) -> Iterator[Part]:
    """All of them, in whatever order they are done."""
    ranges = [(service, n, min(n + AT_ONCE, first + seeds)) for n in range(first, first + seeds, AT_ONCE)]
    if processes == 1:
        yield from map(_live, ranges)
        return
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        yield from pool.imap_unordered(_live, ranges)


def _live(part: tuple[str, int, int]) -> Part:
    service, first, end = part
    wrong: dict[int, list[str]] = {}
    counts: Counter[str] = Counter()
    digest = 0
    for seed in range(first, end):
        run = play(seed, service)
        counts += run.counts
        digest ^= run.digest * (seed + 1)
        if run.wrong:
            wrong[seed] = run.wrong
    return Part(wrong, counts, digest, end - first)
