"""One run: so many requests of a seed, judged one by one, with the memory of the process looked at."""

import base64
import gc
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import psutil

from tests.fuzz.corpus import Request
from tests.fuzz.doors import Door, forget
from tests.fuzz.judging import Verdicts, Wrong
from tests.fuzz.making import request_of
from tests.unit.intake.site import Site

FORGET_EVERY = 1_000
WARM_SHARE = 0.2
MEMORY_GROWTH_MAX_MIB = 12.0
FINDINGS_MAX = 20


@dataclass
class Run:
    """What a run has seen."""

    seed: int
    bodies: int = 0
    seconds: float = 0.0
    verdicts: Verdicts = field(default_factory=Verdicts)
    findings: list[dict[str, Any]] = field(default_factory=list)
    types: Counter[str] = field(default_factory=Counter)
    memory_mib: list[float] = field(default_factory=list)

    @property
    def memory_growth_mib(self) -> float:
        """From the end of the warm-up to the end; what the warm-up fills stays filled."""
        warm = int(len(self.memory_mib) * WARM_SHARE)
        return self.memory_mib[-1] - self.memory_mib[warm] if self.memory_mib else 0.0

    def figures(self) -> dict[str, Any]:
        """The run as JSON."""
        verdicts = self.verdicts
        return {
            "seed": self.seed,
            "bodies": self.bodies,
            "seconds": round(self.seconds, 1),
            "statuses": {str(status): count for status, count in sorted(verdicts.statuses.items())},
            "events": dict(verdicts.events.most_common()),
            "codes": dict(verdicts.codes.most_common()),
            "stored_and_checked": verdicts.checked,
            "types_stored": len(self.types),
            "memory_growth_mib": round(self.memory_growth_mib, 1),
            "findings": self.findings,
        }


async def fuzz(made: Site, door: Door, seed: int, numbers: range) -> Run:
    """Send the requests of those numbers."""
    run = Run(seed)
    process = psutil.Process()
    began = time.monotonic()
    for number in numbers:
        request = request_of(seed, number)
        try:
            await _one(made, door, request, run)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
            run.findings.append(_finding(number, request, error))
            if len(run.findings) == FINDINGS_MAX:
                break
        finally:
            made.log.records.clear()
        run.bodies += 1
        if run.bodies % FORGET_EVERY == 0:
            forget(made)
            gc.collect()
            run.memory_mib.append(process.memory_info().rss / 2**20)
    run.seconds = time.monotonic() - began
    return run


async def _one(made: Site, door: Door, request: Request, run: Run) -> None:
    status, headers, body = await door(request)
    run.verdicts.look(request, status, headers, body)
    for _, value in made.log.records:
        run.types[run.verdicts.stored(request, value)] += 1


def _finding(number: int, request: Request, error: Exception) -> dict[str, Any]:
    return {
        "number": number,
        "wrong": str(error) if isinstance(error, Wrong) else repr(error),
        "headers": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in request.headers],
        "body": base64.b64encode(request.body[:4096]).decode(),
    }
