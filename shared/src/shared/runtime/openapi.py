"""`/openapi.json`: what Litestar knows of the routes, with the mounted ones and the form of errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from litestar import Request
from litestar.openapi.plugins import JsonRenderPlugin

from shared.runtime.problems import MEDIA_TYPE, ProblemDocument

_REF = "#/components/schemas/{name}"
_ANSWER = {
    "default": {
        "description": "A problem (RFC 9457)",
        "content": {MEDIA_TYPE: {"schema": {"$ref": _REF.format(name=ProblemDocument.__name__)}}},
    }
}


class OpenApiDocument(JsonRenderPlugin):
    """Renders once; `extra_paths` are path items, as JSON, of routes that Litestar cannot describe."""

    def __init__(self, extra_paths: Mapping[str, Mapping[str, Any]]) -> None:
        super().__init__(path="/")
        self._extra_paths = extra_paths
        self._rendered: bytes | None = None

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        if self._rendered is None:
            self._rendered = super().render(request, self._completed(openapi_schema))
        return self._rendered

    def _completed(self, document: dict[str, Any]) -> dict[str, Any]:
        paths: dict[str, dict[str, Any]] = {path: {**item} for path, item in document["paths"].items()}
        for path, item in self._extra_paths.items():
            paths[path] = {**paths.get(path, {}), **item}
        for item in paths.values():
            for method, operation in item.items():
                item[method] = {**operation, "responses": {**operation.get("responses", {}), **_ANSWER}}
        _, problem_schemas = msgspec.json.schema_components([ProblemDocument], ref_template=_REF)
        components = document["components"]
        return {
            **document,
            "paths": dict(sorted(paths.items())),
            "components": {**components, "schemas": {**components.get("schemas", {}), **problem_schemas}},
        }
