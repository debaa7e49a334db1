"""All routes of scoring under `/v1`."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, Router
from shared.runtime.answers import problem_response
from shared.runtime.away import DATABASE_AWAY
from shared.runtime.errors import Retryable
from shared.runtime.problems import Problem

from scoring.api import compounds, explain, operations, statistics


def _away(_request: Request[Any, Any, Any], _error: Exception) -> Response[bytes]:
    return problem_response(Problem(503, "away", "The database or the broker is away.", retry_after=1))


def routes() -> Router:
    """The router; what it leans on being away is 503 everywhere."""
    return Router(
        "/v1",
        route_handlers=[
            compounds.list_compounds,
            compounds.read_compound,
            compounds.read_score,
            compounds.read_history,
            explain.read_explanation,
            statistics.read_statistics,
            operations.list_rubrics,
            operations.list_organisations,
            operations.read_progress,
        ],
        exception_handlers=dict.fromkeys((Retryable, *DATABASE_AWAY), _away),
    )
