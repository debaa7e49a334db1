"""What the demo asks the services over HTTP, as any client would."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import date
from time import monotonic
from types import TracebackType
from typing import Any, Final, Self

import aiohttp

LOOKED_SECONDS: Final = 0.25
# Two looks in a row without anything open: between two services a record is on no list for a moment.
QUIET_LOOKS: Final = 2
PAGE_ROWS: Final = 200


@dataclass(frozen=True, slots=True)
class Backlog:
    """What is still to be done; nothing is left when all are zero."""

    facts: int
    work: int
    outcomes: int
    deliveries: int

    @property
    def total(self) -> int:
        return self.facts + self.work + self.outcomes + self.deliveries


class NotAtRest(Exception):  # noqa: N818 - reads as what happened
    """Something was still open at the deadline."""


class Reading:
    """A client of scoring and notify with one key."""

    def __init__(self, scoring: str, notify: str, key: str) -> None:
        self._scoring, self._notify = scoring.rstrip("/"), notify.rstrip("/")
        self._headers = {"Authorization": f"Bearer {key}"}
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            headers=self._headers, timeout=aiohttp.ClientTimeout(total=30), trust_env=False
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def compounds(self) -> list[dict[str, Any]]:
        """All compounds as the list of scoring shows them."""
        rows: list[dict[str, Any]] = []
        page: dict[str, Any] = await self._get(self._scoring, f"/v1/compounds?limit={PAGE_ROWS}")
        rows += page["items"]
        while page.get("next"):
            page = await self._get(self._scoring, f"/v1/compounds?limit={PAGE_ROWS}&after={page['next']}")
            rows += page["items"]
        return rows

    async def statistics(self, last: date) -> dict[str, Any]:
        """The statistics of the 365 days that end with `last`, as scoring counts them from the facts."""
        found: dict[str, Any] = await self._get(self._scoring, f"/v1/statistics?to={last}")
        return found

    async def backlog(self) -> Backlog:
        """What scoring and notify still have to do."""
        scoring, notify = await asyncio.gather(
            self._get(self._scoring, "/v1/progress"), self._get(self._notify, "/v1/progress")
        )
        return Backlog(
            facts=_behind(scoring["partitions"]),
            work=sum(each["pending"] for each in scoring["partitions"]),
            outcomes=sum(each["outbox"] for each in scoring["partitions"])
            + _behind(notify["partitions"])
            + notify["outbox"],
            # Those in flight are among the due ones.
            deliveries=notify["due"] + notify["waiting"],
        )

    async def rest(self, deadline_seconds: float) -> None:
        """Returns when every fact is scored and every notice delivered; raises NotAtRest."""
        until = monotonic() + deadline_seconds
        quiet = 0
        while quiet < QUIET_LOOKS:
            backlog = await self.backlog()
            quiet = quiet + 1 if backlog.total == 0 else 0
            if monotonic() > until:
                raise NotAtRest(f"after {deadline_seconds:.0f} s still open: {backlog}")
            await asyncio.sleep(LOOKED_SECONDS)

    async def endpoints(self) -> list[dict[str, Any]]:
        """All endpoints of notify."""
        rows: list[dict[str, Any]] = []
        path = f"/v1/endpoints?limit={PAGE_ROWS}"
        page: dict[str, Any] = await self._get(self._notify, path)
        rows += page["items"]
        while page.get("next"):
            page = await self._get(self._notify, f"{path}&after={page['next']}")
            rows += page["items"]
        return rows

    async def add_webhook(self, recipient: str, url: str) -> str:
        """A webhook for a recipient; answers its secret, which is shown this once."""
        wish = {"recipient": recipient, "channel": "webhook", "target": url}
        secret: str = (await self._send("post", f"{self._notify}/v1/endpoints", wish))["secret"]
        return secret

    async def switch_off(self, endpoint: str) -> None:
        """Send nothing more to an endpoint."""
        await self._send("patch", f"{self._notify}/v1/endpoints/{endpoint}", {"enabled": False})

    async def _get(self, base: str, path: str) -> Any:
        assert self._session is not None, "use `async with Reading(...)`"
        async with self._session.get(base + path, raise_for_status=True) as answer:
            return await answer.json()

    async def _send(self, method: str, url: str, body: dict[str, Any]) -> Any:
        assert self._session is not None, "use `async with Reading(...)`"
        async with self._session.request(method, url, json=body, raise_for_status=True) as answer:
            return await answer.json()


def _behind(partitions: list[dict[str, Any]]) -> int:
    return sum(max(0, each["end"] - each["cursor"]) for each in partitions)
