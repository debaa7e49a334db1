"""`GET /v1/events/{id}`: what became of an event whose answer was lost."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, get
from litestar.openapi import ResponseSpec
from litestar.params import Dependency, Parameter
from shared.runtime.auth import Principal
from shared.runtime.problems import MEDIA_TYPE, TYPE_PREFIX, Problem

from intake.api.answers import ProblemBody, ReceiptBody, receipt_body, retry_after
from intake.ports import Away, LookUp

RECEIPT_OPERATION = "ReadReceipt"


@get(
    "/v1/events/{event_id:uuid}",
    tags=["events"],
    summary="Receipt of an event",
    operation_id=RECEIPT_OPERATION,
    responses={
        404: ResponseSpec(ProblemBody, generate_examples=False, description="Not known, or not any more"),
        409: ResponseSpec(ProblemBody, generate_examples=False, description="Several sources used the id"),
        503: ResponseSpec(ProblemBody, generate_examples=False, description="The receipts are away"),
    },
)
async def read_receipt(
    event_id: UUID,
    principal: Principal,
    receipts: Annotated[LookUp, Dependency(skip_validation=True)],
    source: Annotated[
        str | None, Parameter(description="without it: events of this key", max_length=512)
    ] = None,
) -> Response[ReceiptBody | bytes]:
    """Where the event lies, never what it says; `pending` while it is being published.

    404: not known, or not known any more (receipts are kept for 100 days). 409: several sources used the id.
    """
    try:
        found = await receipts.find(str(event_id), source, principal.credential_id)
    except Away:
        raise Problem(503, "away", headers=[("Retry-After", retry_after())]) from None
    if not found:
        raise Problem(404, "unknown_event", "No such event was taken in.")
    if len(found) > 1:
        problem = ProblemBody(
            TYPE_PREFIX + "several_sources",
            "Conflict",
            409,
            retryable=False,
            detail="Several sources used this id: ask with one of them.",
            sources=tuple(known for known, _ in found),
        )
        return Response(msgspec.json.encode(problem), status_code=409, media_type=MEDIA_TYPE)
    _, receipt = found[0]
    if receipt is None:
        return Response(ReceiptBody(str(event_id), "pending"))
    return Response(receipt_body(receipt, "stored"))
