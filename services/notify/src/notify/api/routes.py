"""All routes of notify under `/v1`."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, Router
from shared.runtime.answers import problem_response
from shared.runtime.away import DATABASE_AWAY
from shared.runtime.errors import Retryable
from shared.runtime.problems import Problem

from notify.api import deliveries, endpoints, notices, progress, recipients
from notify.ports import Unavailable


def _away(_request: Request[Any, Any, Any], _error: Exception) -> Response[bytes]:
    return problem_response(Problem(503, "away", "The database or the broker is away.", retry_after=1))


def routes() -> Router:
    """The router; what it leans on being away is 503 everywhere."""
    return Router(
        "/v1",
        route_handlers=[
            recipients.list_recipients,
            recipients.read_recipient,
            recipients.put_recipient,
            endpoints.create_endpoint,
            endpoints.list_endpoints,
            endpoints.read_endpoint,
            endpoints.change_endpoint,
            endpoints.release_parked,
            notices.list_notices,
            notices.read_notice,
            notices.mark_seen,
            notices.mark_confirmed,
            deliveries.list_deliveries,
            deliveries.read_delivery,
            deliveries.list_decisions,
            progress.read_progress,
        ],
        exception_handlers=dict.fromkeys((Unavailable, Retryable, *DATABASE_AWAY), _away),
    )
