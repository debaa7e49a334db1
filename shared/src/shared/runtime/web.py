"""One HTTP application for all services: health, metrics, OpenAPI, bearer keys and problem details."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from litestar import Litestar, Request, Response, Router, asgi, get
from litestar.connection import ASGIConnection
from litestar.di import Provide
from litestar.enums import ScopeType
from litestar.exceptions import HTTPException, ValidationException
from litestar.handlers import ASGIRouteHandler, BaseRouteHandler, HTTPRouteHandler
from litestar.middleware import ASGIMiddleware
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.types import ASGIApp, ControllerRouterHandler, Message, Receive, Scope, Send
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from shared.runtime.auth import Directory, Principal, Unauthorised
from shared.runtime.health import Readiness
from shared.runtime.logs import get_logger
from shared.runtime.metrics import Metrics
from shared.runtime.problems import MEDIA_TYPE, FieldError, Problem

log = get_logger()

# `opt=PUBLIC` on a route: it needs no key. `opt=UNCOUNTED`: it counts its requests itself.
PUBLIC = {"public": True}
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
    description: str | None = None,
    body_bytes_max: int = 1_048_576,
) -> Litestar:
    """The application of one service.

    Every route asks for a bearer key, except health, metrics, OpenAPI and those with `opt=PUBLIC`; a handler
    gets its caller by a parameter `principal: Principal`. `dependencies` are values handed to handlers by
    parameter name. `extra_paths` are OpenAPI path items (as JSON) of routes mounted as plain ASGI.
    """
    values = {
        name: Provide(_constant(value), sync_to_thread=False) for name, value in (dependencies or {}).items()
    }
    return Litestar(
        route_handlers=[*_operations(readiness, metrics), *routes],
        guards=[_bearer_guard(directory, metrics)],
        dependencies={"principal": Provide(_principal, sync_to_thread=False), **values},
        exception_handlers={Exception: _answer_problem},
        middleware=[_Counting(metrics)],
        openapi_config=OpenAPIConfig(
            title=title,
            version=version,
            description=description,
            openapi_router=Router("/openapi.json", route_handlers=[], include_in_schema=False, opt=PUBLIC),
            render_plugins=[_OpenApiDocument(extra_paths or {})],
            components=Components(security_schemes={"key": SecurityScheme(type="http", scheme="bearer")}),
            security=[{"key": []}],
            use_handler_docstrings=True,
        ),
        request_max_body_size=body_bytes_max,
        logging_config=None,
    )


def mounted(path: str, app: ASGIApp, *, name: str | None = None) -> ASGIRouteHandler:
    """A plain ASGI application as a route: for the one route whose cost per request counts.

    It does everything itself: key, limits, counting, problem details. Describe it in `extra_paths`.
    """

    @asgi(path, name=name, opt={**PUBLIC, **UNCOUNTED}, copy_scope=False)
    async def handler(scope: Scope, receive: Receive, send: Send) -> None:
        await app(scope, receive, send)

    return handler


def unauthorised_problem(error: Unauthorised) -> Problem:
    """401 for a request without a working key."""
    return Problem(
        401,
        "unauthorised",
        "A working key is needed: Authorization: Bearer ax_<id>_<secret>.",
        errors=[FieldError("Authorization", error.code)],
        headers=[("WWW-Authenticate", "Bearer")],
    )


def problem_response(problem: Problem) -> Response[bytes]:
    """The problem as an answer."""
    return Response(
        problem.body(), status_code=problem.status, media_type=MEDIA_TYPE, headers=dict(problem.headers)
    )


def _operations(readiness: Readiness, metrics: Metrics) -> list[HTTPRouteHandler]:
    @get("/livez", opt={**PUBLIC, **UNCOUNTED}, security=[], tags=["operations"])
    async def livez() -> dict[str, str]:
        """The process answers."""
        return {"status": "alive"}

    @get("/readyz", opt={**PUBLIC, **UNCOUNTED}, security=[], tags=["operations"])
    async def readyz() -> Response[dict[str, Any]]:
        """All parts work; 503 with the names of those that do not."""
        failing = readiness.failing()
        status = {"status": "not ready" if failing else "ready", "failing": failing}
        return Response(status, status_code=503 if failing else 200)

    @get("/metrics", opt={**PUBLIC, **UNCOUNTED}, security=[], tags=["operations"], media_type="text/plain")
    async def prometheus() -> Response[bytes]:
        """Metrics in the text format of Prometheus."""
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)

    return [livez, readyz, prometheus]


class _OpenApiDocument(JsonRenderPlugin):
    """`/openapi.json`, with the paths that Litestar does not know of."""

    def __init__(self, extra_paths: Mapping[str, Mapping[str, Any]]) -> None:
        super().__init__(path="/")
        self._extra_paths = extra_paths

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        paths = {**openapi_schema.get("paths", {})}
        for path, item in self._extra_paths.items():
            paths[path] = {**paths.get(path, {}), **item}
        return super().render(request, {**openapi_schema, "paths": dict(sorted(paths.items()))})


def _bearer_guard(directory: Directory, metrics: Metrics) -> Any:
    def guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
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


def _answer_problem(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    problem = _problem_of(error)
    if problem.status >= 500 and not isinstance(error, Problem):
        log.error("request_failed", route=str(request.scope.get("path_template", "")), exc_info=error)
    return problem_response(problem)


def _problem_of(error: Exception) -> Problem:
    if isinstance(error, Problem):
        return error
    if isinstance(error, Unauthorised):
        return unauthorised_problem(error)
    if isinstance(error, HTTPException) and error.status_code < 500:
        return Problem(
            error.status_code,
            _CODES.get(error.status_code, "refused"),
            errors=_places(error) if isinstance(error, ValidationException) else (),
            headers=[(name, value) for name, value in (error.headers or {}).items() if name == "Allow"],
        )
    return Problem(500, "internal_error", "Something is wrong here, not with the request.")


_CODES = {
    400: "invalid_request",
    401: "unauthorised",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    413: "too_large",
    415: "unsupported_media_type",
    429: "too_many_requests",
}


def _places(error: ValidationException) -> list[FieldError]:
    """Where the request is wrong: a JSON pointer in the body, else the name of the parameter; no values."""
    places: list[FieldError] = []
    for entry in error.extra or []:
        if not isinstance(entry, dict):
            continue
        key, source = str(entry.get("key", "")), entry.get("source")
        in_body = source in {None, "body"}
        places.append(FieldError("/" + key.replace(".", "/") if in_body else key, "invalid"))
    return places
