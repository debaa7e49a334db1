"""One HTTP application for all services: health, metrics, OpenAPI, bearer keys and problem details."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from litestar import Litestar, Response, Router, asgi, get
from litestar.connection import ASGIConnection
from litestar.di import Provide
from litestar.enums import ScopeType
from litestar.handlers import ASGIRouteHandler, BaseRouteHandler, HTTPRouteHandler
from litestar.middleware import ASGIMiddleware
from litestar.openapi import OpenAPIConfig, ResponseSpec
from litestar.openapi.spec import Components, SecurityScheme
from litestar.types import ASGIApp, ControllerRouterHandler, Message, Receive, Scope, Send
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from shared.runtime.answers import answer_problem, send_problem, unauthorised_problem
from shared.runtime.apipage import api_page
from shared.runtime.auth import Directory, Principal, Unauthorised
from shared.runtime.health import Readiness
from shared.runtime.metrics import Metrics
from shared.runtime.openapi import PUBLIC, OpenApiDocument
from shared.runtime.problems import Problem

# `opt=PUBLIC` on a route: it needs no key. `opt=UNCOUNTED`: it counts its requests itself.
UNCOUNTED = {"uncounted": True}


def build_app(
    routes: Sequence[ControllerRouterHandler],
    *,
    title: str,
    version: str,
    readiness: Readiness,
    directory: Directory,
    metrics: Metrics,
    dependencies: Mapping[str, Any] | None = None,
    extra_paths: Mapping[str, Mapping[str, Any]] | None = None,
    extra_schemas: Mapping[str, Any] | None = None,
    description: str | None = None,
    page_title: str | None = None,
    body_bytes_max: int = 1_048_576,
) -> Litestar:
    """The application of one service.

    Every route asks for a bearer key, except health, metrics, OpenAPI and those with `opt=PUBLIC`; a handler
    gets its caller by a parameter `principal: NamedDependency[Principal]`. `dependencies` are values handed
    to handlers by parameter name. `extra_paths` are OpenAPI path items (as JSON) of routes mounted as plain
    ASGI, `extra_schemas` the components that they refer to.
    """
    values = {
        name: Provide(_constant(value), sync_to_thread=False) for name, value in (dependencies or {}).items()
    }
    document = OpenApiDocument(extra_paths or {}, extra_schemas)
    # Guards and middleware cost a mounted route as much as all the rest of it: they stay beside it.
    beside = [route for route in routes if isinstance(route, ASGIRouteHandler)]
    guarded = Router(
        "/",
        route_handlers=[
            *_operations(readiness, metrics),
            api_page(document, page_title or title),
            *(route for route in routes if not isinstance(route, ASGIRouteHandler)),
        ],
        guards=[_bearer_guard(directory, metrics)],
        middleware=[_Counting(metrics)],
    )
    return Litestar(
        route_handlers=[guarded, *beside],
        dependencies={"principal": Provide(_principal, sync_to_thread=False), **values},
        exception_handlers={Exception: answer_problem},
        openapi_config=OpenAPIConfig(
            title=title,
            version=version,
            description=description,
            openapi_router=Router("/openapi.json", route_handlers=[], include_in_schema=False, opt=PUBLIC),
            render_plugins=[document],
            components=Components(security_schemes={"key": SecurityScheme(type="http", scheme="bearer")}),
            security=[{"key": []}],
            use_handler_docstrings=True,
        ),
        request_max_body_size=body_bytes_max,
        logging_config=None,
    )


def mounted(path: str, method: str, app: ASGIApp) -> ASGIRouteHandler:
    """A plain ASGI application as a route: for the one route whose cost per request counts.

    It does everything itself: key, limits, counting, problem details. Describe it in `extra_paths`.
    """
    refusal = Problem(405, "method_not_allowed", headers=[("Allow", method)])

    @asgi(path, opt={**PUBLIC, **UNCOUNTED}, copy_scope=False)
    async def handler(scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("method") == method:
            await app(scope, receive, send)
        else:
            await send_problem(send, refusal)

    return handler


def _operations(readiness: Readiness, metrics: Metrics) -> list[HTTPRouteHandler]:
    @get("/livez", opt={**PUBLIC, **UNCOUNTED}, tags=["operations"])
    async def livez() -> dict[str, str]:
        """The process answers."""
        return {"status": "alive"}

    not_ready = ResponseSpec(dict[str, Any], generate_examples=False, description="Some part does not work")

    @get("/readyz", opt={**PUBLIC, **UNCOUNTED}, tags=["operations"], responses={503: not_ready})
    async def readyz() -> Response[dict[str, Any]]:
        """All parts work; 503 with the names of those that do not."""
        failing = readiness.failing()
        answer = {"status": "not ready" if failing else "ready", "failing": failing}
        return Response(answer, status_code=503 if failing else 200)

    @get("/metrics", opt={**PUBLIC, **UNCOUNTED}, tags=["operations"], media_type="text/plain")
    async def prometheus() -> Response[bytes]:
        """Metrics in the text format of Prometheus."""
        # Litestar adds the character set to a text type by itself.
        media_type = CONTENT_TYPE_PLAIN_0_0_4.partition("; charset")[0]
        return Response(generate_latest(metrics.registry), media_type=media_type)

    return [livez, readyz, prometheus]


def _bearer_guard(directory: Directory, metrics: Metrics) -> Any:
    # Asynchronous, because Litestar takes every other guard to a thread.
    async def guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
        if handler.opt.get("public"):
            return
        try:
            principal = directory.authenticate(connection.headers.get("authorization"))
        except Unauthorised as error:
            metrics.auth_refused.labels(error.code).inc()
            raise unauthorised_problem(error) from error
        connection.scope["user"] = principal

    return guard


def _principal(scope: Scope) -> Principal:
    principal: Principal = scope["user"]
    return principal


def _constant(value: Any) -> Any:
    def provide() -> Any:
        return value

    return provide


class _Counting(ASGIMiddleware):
    """Counts requests and their time by route template: paths hold ids and would be labels without end."""

    scopes = (ScopeType.HTTP,)
    exclude_opt_key = "uncounted"

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def __deepcopy__(self, memo: dict[int, Any]) -> _Counting:
        """Itself: Litestar copies the routers that it is given, and there is one count."""
        return self

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        status = 500

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        began = time.perf_counter()
        try:
            await next_app(scope, receive, noting)
        finally:
            route = str(scope.get("path_template", "unknown"))
            self._metrics.http_requests.labels(route, str(scope.get("method", "")), str(status)).inc()
            self._metrics.http_seconds.labels(route).observe(time.perf_counter() - began)
