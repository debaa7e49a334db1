"""How whatever goes wrong behind a route becomes a problem, without traceback and without values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from litestar import Request, Response
from litestar.exceptions import HTTPException, MethodNotAllowedException, ValidationException
from litestar.types import Send

from shared.runtime.auth import Unauthorised
from shared.runtime.logs import get_logger
from shared.runtime.problems import MEDIA_TYPE, FieldError, Problem

log = get_logger()

CODES = {
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


def answer_problem(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """The exception handler of every application; what nobody expected is logged once, with its traceback."""
    if isinstance(error, MethodNotAllowedException):
        problem = Problem(405, CODES[405], headers=[("Allow", ", ".join(_methods(request)))])
    else:
        problem = problem_of(error)
    if problem.status >= 500 and not isinstance(error, Problem):
        log.error("request_failed", route=str(request.scope.get("path_template", "")), exc_info=error)
    return problem_response(problem)


def problem_of(error: Exception) -> Problem:
    """The problem that an exception is."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, Unauthorised):
        return unauthorised_problem(error)
    if isinstance(error, HTTPException) and error.status_code < 500:
        places = _places(error) if isinstance(error, ValidationException) else ()
        return Problem(error.status_code, CODES.get(error.status_code, "refused"), errors=places)
    return Problem(500, "internal_error", "Something is wrong here, not with the request.")


def unauthorised_problem(error: Unauthorised) -> Problem:
    """401 for a request without a working key."""
    return Problem(
        401,
        CODES[401],
        "A working key is needed: Authorization: Bearer ax_<id>_<secret>.",
        errors=[FieldError("Authorization", error.code)],
        headers=[("WWW-Authenticate", "Bearer")],
    )


def problem_response(problem: Problem) -> Response[bytes]:
    """The problem as an answer of a handler."""
    return Response(
        problem.body(), status_code=problem.status, media_type=MEDIA_TYPE, headers=dict(problem.headers)
    )


async def send_problem(send: Send, problem: Problem) -> None:
    """The problem as an answer of plain ASGI."""
    body = problem.body()
    headers = [("content-type", MEDIA_TYPE), ("content-length", str(len(body))), *problem.headers]
    await send(
        {
            "type": "http.response.start",
            "status": problem.status,
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers],
        }
    )
    await send({"type": "http.response.body", "body": body, "more_body": False})


def _methods(request: Request[Any, Any, Any]) -> list[str]:
    """The methods that the path of the request does take; Litestar does not say."""
    methods: set[str] = set()
    for route in request.app.routes:
        pattern = re.sub(r"\\{[^/]*?\\}", "[^/]+", re.escape(route.path_format))
        if re.fullmatch(pattern, request.scope["path"].rstrip("/") or "/"):
            methods |= set(getattr(route, "methods", ()))
    return sorted(methods)


def _places(error: ValidationException) -> Sequence[FieldError]:
    """Where the request is wrong: a JSON pointer in the body, else the name of the parameter."""
    missing = re.match(r"Missing required \w+ parameter '([^']+)'", error.detail)
    if missing:
        return [FieldError(missing[1], "missing")]
    entries: Iterable[Any] = error.extra if isinstance(error.extra, list) else ()
    return [_place(entry) for entry in entries if isinstance(entry, dict)]


def _place(entry: dict[str, Any]) -> FieldError:
    key, source = str(entry.get("key", "")), entry.get("source")
    if source not in {None, "body"}:
        return FieldError(key, "invalid")
    # msgspec writes `a.b[0][...]`: dots and brackets divide, and `[...]` is a key that it does not tell.
    known = key.partition("[...]")[0]
    parts = [part for part in re.split(r"[.\[\]]", known) if part]
    return FieldError("".join(f"/{part}" for part in parts), "invalid")
