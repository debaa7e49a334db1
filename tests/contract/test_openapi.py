"""The OpenAPI document of intake is whole, and what it shows is taken; `trying.py` tries all of it."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from shared.events.catalogue import CATALOGUE

from tests.contract.served import Served, served


@pytest.fixture(scope="module")
def place() -> Iterator[Served]:
    with served() as serving:
        yield serving


@pytest.fixture(scope="module")
def document(place: Served) -> Any:
    with place.client as client:
        return client.get("/openapi.json").json()


def references(node: Any) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return own.union(*(references(value) for value in node.values()))
    return set().union(*(references(entry) for entry in node)) if isinstance(node, list) else set()


def test_every_reference_leads_somewhere(document: Any) -> None:
    schemas = document["components"]["schemas"]
    assert references(document) <= {f"#/components/schemas/{name}" for name in schemas}
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)


def test_what_helps_a_sender_is_said(document: Any) -> None:
    answers = document["paths"]["/v1/events"]["post"]["responses"]
    for status in ("207", "429", "503"):
        assert "Retry-After" in answers[status]["headers"]
    assert "Accept-Post" in answers["415"]["headers"]
    assert "WWW-Authenticate" in answers["401"]["headers"]
    assert [
        path
        for path, item in document["paths"].items()
        if item["get" if "get" in item else "post"].get("security") == []
    ] == [
        "/livez",
        "/metrics",
        "/readyz",
    ]


def test_the_examples_of_the_document_are_taken(document: Any, place: Served) -> None:
    content = document["paths"]["/v1/events"]["post"]["requestBody"]["content"]
    with place.client as client:
        for media_type in ("application/cloudevents+json", "application/cloudevents-batch+json"):
            for example in content[media_type]["examples"].values():
                answer = client.post(
                    "/v1/events", json=example["value"], headers={"content-type": media_type}
                )
                assert answer.status_code in {200, 202}, answer.text


def test_the_time_is_told_and_not_cached(place: Served) -> None:
    with place.client as client:
        answer = client.get("/v1/time")
    assert answer.json()["time"].endswith("Z")
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/v1/schemas", *(f"/v1/schemas/{name}" for name in sorted(CATALOGUE))])
def test_schemas_are_cached_by_their_tag(place: Served, path: str) -> None:
    with place.client as client:
        first = client.get(path)
        tag = first.headers["etag"]
        assert (first.status_code, first.headers["cache-control"]) == (200, "private, max-age=3600")
        for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
            again = client.get(path, headers={"if-none-match": known})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert client.get(path, headers={"if-none-match": '"other"'}).content == first.content


def test_an_unknown_type_has_no_schema(place: Served) -> None:
    with place.client as client:
        answer = client.get("/v1/schemas/anxing.nothing.v1")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def test_the_page_for_people_needs_no_key_and_nobody_else(document: Any, place: Served) -> None:
    with place.client as client:
        answer = client.get("/docs", headers={"authorization": ""})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "<title>安星 · 事件入口 接口说明</title>" in answer.text
    for path in document["paths"]:
        assert path in answer.text
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert "<script" not in answer.text
    assert set(re.findall(r"(?:href|src|action)=[\"']?([^\"'#> ][^\"'> ]*)", answer.text)) == {
        "/openapi.json"
    }
