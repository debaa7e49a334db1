"""Breaking off while the broker does not answer: refusals are instant, one probe at a time looks for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from shared.runtime.logs import get_logger

from intake.metrics import IntakeMetrics

log = get_logger()

PROBE_PAUSE_SECONDS = 0.5


class Circuit:
    """Closed while publishing works; `probe` answers whether it works again and never raises."""

    def __init__(self, probe: Callable[[], Awaitable[bool]], metrics: IntakeMetrics) -> None:
        self._probe = probe
        self._metrics = metrics
        self._probing: asyncio.Task[None] | None = None
        self.closed = True

    def trip(self) -> None:
        """Break off; a probe that succeeds closes the circuit again."""
        if not self.closed:
            return
        self.closed = False
        self._metrics.circuit_open.set(1)
        log.warning("publishing_broken_off")
        self._probing = asyncio.create_task(self._until_closed(), name="probe of the broker")

    async def stop(self) -> None:
        if self._probing is not None:
            self._probing.cancel()
            await asyncio.wait([self._probing])

    async def _until_closed(self) -> None:
        while True:
            if await self._probe():
                break
            await asyncio.sleep(PROBE_PAUSE_SECONDS)
        self.closed = True
        self._metrics.circuit_open.set(0)
        log.info("publishing_works_again")
