"""Ids on their way through this process, so that a second post of one waits for the first."""

from __future__ import annotations

import asyncio

from intake.domain.verdicts import Verdict


class Flight:
    """One id under way; whoever comes second waits for it to land."""

    __slots__ = ("_landed", "_verdict", "fingerprint")

    def __init__(self, fingerprint: bytes) -> None:
        self.fingerprint = fingerprint
        self._verdict: Verdict | None = None
        self._landed: asyncio.Future[None] | None = None

    def land(self, verdict: Verdict) -> None:
        """Tell all who wait how it ended."""
        self._verdict = verdict
        if self._landed is not None and not self._landed.done():
            self._landed.set_result(None)

    async def landing(self) -> Verdict:
        """How it ended."""
        while self._verdict is None:
            # The future is only made when somebody waits, which is rare.
            if self._landed is None:
                self._landed = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._landed)
        return self._verdict


# By identity: (id, source).
Flights = dict[tuple[str, str], Flight]
