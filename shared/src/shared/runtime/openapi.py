"""`/openapi.json`: what Litestar knows of the routes, with the mounted ones and the form of errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from litestar import Litestar, Request
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.routes import HTTPRoute

from shared.runtime.problems import MEDIA_TYPE, ProblemDocument

# What is in the `opt` of a route that needs no key.
PUBLIC = {"public": True}
_REF = "#/components/schemas/{name}"
_PROBLEM = {MEDIA_TYPE: {"schema": {"$ref": _REF.format(name=ProblemDocument.__name__)}}}
_REFUSED = {"description": "A problem (RFC 9457)", "content": _PROBLEM}
_UNAUTHORISED = {
    "description": "No key, or one that does not work",
    "content": _PROBLEM,
    "headers": {"WWW-Authenticate": {"schema": {"const": "Bearer"}}},
}


class OpenApiDocument(JsonRenderPlugin):
    """Renders once.

    `extra_paths` are path items, as JSON, of routes that Litestar cannot describe; `extra_schemas` are
    components that they refer to.
    """

    def __init__(
        self,
        extra_paths: Mapping[str, Mapping[str, Any]],
        extra_schemas: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(path="/")
        self._extra_paths = extra_paths
        self._extra_schemas = extra_schemas or {}
        self._rendered: bytes | None = None

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        del openapi_schema
        if self._rendered is None:
            self._rendered = super().render(request, self.completed(request.app))
        return self._rendered

    def completed(self, app: Litestar) -> dict[str, Any]:
        """Litestar's document of its routes with everything that it does not know."""
        document = app.openapi_schema.to_schema()
        public = _public(app)
        paths: dict[str, dict[str, Any]] = {path: {**item} for path, item in document["paths"].items()}
        for path, item in self._extra_paths.items():
            paths[path] = {**paths.get(path, {}), **item}
        for path, item in paths.items():
            for method, operation in item.items():
                item[method] = _with_refusals(operation, public=(path, method) in public)
        _, problem_schemas = msgspec.json.schema_components([ProblemDocument], ref_template=_REF)
        components = document["components"]
        known = components.get("schemas", {})
        return {
            **document,
            "paths": dict(sorted(paths.items())),
            "components": {**components, "schemas": {**known, **problem_schemas, **self._extra_schemas}},
        }


def _public(app: Litestar) -> set[tuple[str, str]]:
    """(path, method) of what the guard lets through without a key."""
    return {
        (route.path_format, method.lower())
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for method, (handler, _) in route.route_handler_map.items()
        if PUBLIC.items() <= handler.opt.items()
    }


def _with_refusals(operation: dict[str, Any], *, public: bool) -> dict[str, Any]:
    """The operation with its refusals as problems, which is not how Litestar describes them."""
    responses: dict[str, Any] = dict(operation.get("responses", {}))
    for status, answer in responses.items():
        if status.startswith("4") and MEDIA_TYPE not in answer.get("content", {}):
            responses[status] = {**answer, "content": _PROBLEM}
    if public:
        return {**operation, "security": [], "responses": {**responses, "default": _REFUSED}}
    return {**operation, "responses": {"401": _UNAUTHORISED, **responses, "default": _REFUSED}}
