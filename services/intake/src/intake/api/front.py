"""The way past Litestar for the one route whose cost per request counts."""

from __future__ import annotations

from litestar.types import ASGIApp, Receive, Scope, Send


class Front:
    """Takes POSTs to one path to their route; everything else, and their description, is Litestar's.

    Litestar's own mounting of a plain application costs another third of a bare request.
    """

    def __init__(self, path: str, route: ASGIApp, behind: ASGIApp) -> None:
        self._path = path
        self._route = route
        self._behind = behind

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == self._path and scope.get("method") == "POST":
            await self._route(scope, receive, send)
        else:
            await self._behind(scope, receive, send)
