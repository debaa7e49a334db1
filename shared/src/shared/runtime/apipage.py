"""`/docs`: the OpenAPI document as one page for people, with nothing in it that is fetched from elsewhere."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, Final

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from shared.runtime.openapi import PUBLIC, OpenApiDocument

# The page may show itself and its own style, and load, run and send nothing.
POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_STYLE: Final = """
:root { color-scheme: light dark;
  --ink: #1f2933; --soft: #52606d; --line: #d9e2ec; --back: #fff; --code: #f5f7fa }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e7eb; --soft: #9aa5b1; --line: #3e4c59; --back: #1a2129; --code: #232c36 }
}
body { margin: 0 auto; max-width: 60rem; padding: 2rem 1.25rem 4rem;
  color: var(--ink); background: var(--back);
  font: 1rem/1.65 system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif }
h1 { font-size: 1.6rem; margin: 0 0 .25rem } h2 { font-size: 1.2rem; margin: 3rem 0 .5rem }
section { border-top: 1px solid var(--line); padding-top: .5rem; margin-top: 2rem }
p { max-width: 44rem } .soft { color: var(--soft) } a { color: inherit }
code, pre { font: .875rem/1.5 ui-monospace, Consolas, monospace; background: var(--code); border-radius: 4px }
code { padding: .1em .3em; overflow-wrap: anywhere } pre { padding: .75rem 1rem; overflow-x: auto }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1rem }
th, td { text-align: left; vertical-align: top; word-break: keep-all; padding: .35rem .75rem .35rem 0;
  border-bottom: 1px solid var(--line) }
th { color: var(--soft); font-weight: 500 } td:first-child { white-space: nowrap }
@media (min-width: 40rem) { td:last-child code { white-space: nowrap } }
details { margin: .5rem 0 } summary { cursor: pointer }
"""

_HOW: Final = (
    '机器可读的同一份说明：<a href="/openapi.json"><code>/openapi.json</code></a>。'
    "除标明“无需密钥”者外，每个请求都要带 <code>Authorization: Bearer ax_…</code>。"
    "出错时回答 <code>application/problem+json</code>（RFC 9457），其中不重复来文的任何内容。"
)


def api_page(document: OpenApiDocument, title: str) -> HTTPRouteHandler:
    """The route of the page, rendered once; `title` is what people call the service."""
    rendered: list[str] = []

    @get("/docs", media_type="text/html", include_in_schema=False, opt=PUBLIC)
    async def read_page(request: Request[Any, Any, Any]) -> Response[str]:
        """The page."""
        if not rendered:
            rendered.append(render(document.completed(request.app), title))
        headers = {"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff"}
        return Response(rendered[0], media_type="text/html", headers=headers)

    return read_page


def render(document: Mapping[str, Any], title: str) -> str:
    """The whole page of an OpenAPI document."""
    operations = [
        (path, method, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
    ]
    # What people came for, then what machines ask.
    operations.sort(key=lambda one: not one[0].startswith("/v1/"))
    schemas = document["components"].get("schemas", {})
    return "".join(
        [
            '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)} 接口说明</title><style>{_STYLE}</style></head><body>",
            f"<header><h1>{escape(title)} 接口说明</h1>",
            f'<p class="soft">{_words(document["info"].get("description"))}</p>',
            f"<p>{_HOW}</p></header>",
            "<main><h2>接口</h2>",
            *(_row(path, method, operation) for path, method, operation in operations),
            *(_section(path, method, operation) for path, method, operation in operations),
            "<h2>数据类型</h2>",
            *(_schema(name, schema) for name, schema in sorted(schemas.items())),
            "</main></body></html>",
        ]
    )


def _words(text: str | None) -> str:
    """A description; what stands between backticks is code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text or ""))


def _anchor(path: str, method: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in f"{method}{path}")


def _row(path: str, method: str, operation: Mapping[str, Any]) -> str:
    name = f"<code>{method.upper()} {escape(path)}</code>"
    return (
        f'<div><a href="#{_anchor(path, method)}">{name}</a> {escape(operation.get("summary") or "")}</div>'
    )


def _section(path: str, method: str, operation: Mapping[str, Any]) -> str:
    public = ' <span class="soft">无需密钥</span>' if operation.get("security") == [] else ""
    parts = [
        f'<section id="{_anchor(path, method)}"><h2>{escape(operation.get("summary") or path)}</h2>',
        f"<p><code>{method.upper()} {escape(path)}</code>{public}</p>",
        *(f"<p>{_words(text)}</p>" for text in (operation.get("description") or "").split("\n\n") if text),
        *_parameters(operation.get("parameters") or ()),
        *_bodies(operation.get("requestBody") or {}),
        "<table><tr><th>状态</th><th>含义</th><th>正文</th></tr>",
        *(_answer(status, answer) for status, answer in sorted(operation["responses"].items())),
        "</table></section>",
    ]
    return "".join(parts)


def _parameters(parameters: Any) -> Iterator[str]:
    if not parameters:
        return
    places = {"path": "路径", "query": "查询", "header": "请求头"}
    yield "<table><tr><th>参数</th><th>位置</th><th>说明</th></tr>"
    for one in parameters:
        required = "，必填" if one.get("required") else ""
        place = f"{places.get(one['in'], one['in'])}{required}"
        yield f"<tr><td><code>{escape(one['name'])}</code></td><td>{place}</td>"
        yield f"<td>{_words(one.get('description'))}</td></tr>"
    yield "</table>"


def _bodies(body: Mapping[str, Any]) -> Iterator[str]:
    for media_type, content in body.get("content", {}).items():
        yield f"<p>请求正文 <code>{escape(media_type)}</code></p>"
        for name, example in content.get("examples", {}).items():
            text = escape(json.dumps(example["value"], ensure_ascii=False, indent=2))
            yield f"<details><summary>示例 <code>{escape(name)}</code></summary><pre>{text}</pre></details>"


def _answer(status: str, answer: Mapping[str, Any]) -> str:
    kinds = " ".join(f"<code>{escape(kind)}</code>" for kind in answer.get("content", {}))
    headers = " ".join(f"<code>{escape(name)}</code>" for name in answer.get("headers", {}))
    words = _words(answer.get("description")) + (f"<br>响应头 {headers}" if headers else "")
    return f"<tr><td>{'其他' if status == 'default' else status}</td><td>{words}</td><td>{kinds}</td></tr>"


def _schema(name: str, schema: Mapping[str, Any]) -> str:
    text = escape(json.dumps(schema, ensure_ascii=False, indent=2))
    words = _words(schema.get("description"))
    return (
        f"<details><summary><code>{escape(name)}</code> "
        f'<span class="soft">{words}</span></summary><pre>{text}</pre></details>'
    )
