"""The page of an interface: for people, whole, and with nothing in it that comes from elsewhere."""

import re
from typing import Any

from shared.runtime.apipage import POLICY, render

DOCUMENT: Any = {
    "info": {"description": "Door <b>"},
    "paths": {
        "/livez": {"get": {"security": [], "responses": {"default": {"description": "A problem"}}}},
        "/v1/things": {
            "post": {
                "summary": "Send <script>",
                "description": "First, `ce-id <x>`.\n\nSecond.",
                "parameters": [{"name": "Sent-At", "in": "header", "description": "when", "required": True}],
                "requestBody": {
                    "content": {"application/json": {"examples": {"one": {"value": {"a": "</pre>"}}}}}
                },
                "responses": {
                    "202": {"description": "Stored", "content": {"application/json": {}}},
                    "503": {"description": "Later", "headers": {"Retry-After": {}}},
                },
            }
        },
    },
    "components": {"schemas": {"Thing": {"description": "A thing", "type": "object"}}},
}


def test_it_says_what_the_document_says() -> None:
    page = render(DOCUMENT, "事件入口")
    assert '<html lang="zh-CN">' in page
    assert "<title>事件入口 接口说明</title>" in page
    for text in (
        "POST /v1/things",
        "Sent-At",
        "Second.",
        "Stored",
        "Retry-After",
        "Thing",
        "无需密钥",
        "必填",
    ):
        assert text in page


def test_what_people_came_for_is_first_and_code_is_code() -> None:
    page = render(DOCUMENT, "事件入口")
    assert page.index("POST /v1/things") < page.index("GET /livez")
    assert "First, <code>ce-id &lt;x&gt;</code>." in page


def test_nothing_comes_from_elsewhere() -> None:
    page = render(DOCUMENT, "事件入口")
    assert not re.search(r"<(script|link|img|iframe|object|embed|form)\b|\bsrc=|@import|url\(|\son\w+=", page)
    assert set(re.findall(r'href="([^"#][^"]*)"', page)) == {"/openapi.json"}
    assert "default-src 'none'" in POLICY


def test_what_the_document_says_is_text() -> None:
    page = render(DOCUMENT, "<i>")
    assert "<script>" not in page
    assert "<b>" not in page
    assert "<i>" not in page
    assert page.count("</pre>") == 2
