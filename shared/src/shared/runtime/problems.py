"""Errors as people and programs read them: RFC 9457 problem details that repeat no value."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

import msgspec

MEDIA_TYPE = "application/problem+json"
# Stable identifiers, resolvable in the documentation of the interface.
TYPE_PREFIX = "urn:anxing:problem:"


class FieldError(msgspec.Struct, frozen=True):
    """A place in the request that is to blame: JSON pointer (or parameter name) and a stable code."""

    pointer: str
    code: str


class ProblemDocument(msgspec.Struct, frozen=True, omit_defaults=True):
    """The body of an error answer."""

    type: str
    title: str
    status: int
    retryable: bool = msgspec.field()
    detail: str | None = None
    errors: tuple[FieldError, ...] = ()


class Problem(Exception):  # noqa: N818 - it is what RFC 9457 calls it
    """Raise it anywhere behind a route; it is answered as it stands.

    `code` is the stable last part of `type`; `retry_after` is whole seconds; `headers` are added as they are.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str | None = None,
        *,
        title: str | None = None,
        retryable: bool | None = None,
        errors: Sequence[FieldError] = (),
        retry_after: int | None = None,
        headers: Sequence[tuple[str, str]] = (),
    ) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code
        self.headers = list(headers)
        if retry_after is not None:
            self.headers.append(("Retry-After", str(retry_after)))
        self.document = ProblemDocument(
            type=TYPE_PREFIX + code,
            title=title or HTTPStatus(status).phrase,
            status=status,
            detail=detail,
            retryable=status in {408, 429, 503} if retryable is None else retryable,
            errors=tuple(errors),
        )

    def body(self) -> bytes:
        return msgspec.json.encode(self.document)
