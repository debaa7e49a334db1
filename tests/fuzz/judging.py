"""What must be true of every answer, and of every event that came in, told by other means than ours."""

import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from shared.events.envelope import INTAKE_STAMPS

from tests.fuzz.corpus import BATCH, STRUCTURED, Request
from tests.fuzz.mutations import CANARY

SCHEMAS = Path(__file__).parents[2] / "shared" / "schemas"
# 431 is the server's, for headers that were repeated until they were too large.
STATUSES = {200, 202, 207, 400, 403, 409, 413, 415, 422, 431}
ITEM_STATUSES = {"stored", "replayed", "rejected", "conflict", "forbidden"}


class Wrong(Exception):  # noqa: N818 - what the answer is
    """Something that must be true is not."""


def must(holds: bool, what: str) -> None:
    if not holds:
        raise Wrong(what)


class Verdicts:
    """Looks at answers and counts them."""

    def __init__(self) -> None:
        self.statuses: Counter[int] = Counter()
        self.codes: Counter[str] = Counter()
        self.events: Counter[str] = Counter()
        self.checked = 0

    def look(self, request: Request, status: int, headers: dict[bytes, bytes], body: bytes) -> None:
        """One answer; raises Wrong."""
        self.statuses[status] += 1
        must(status in STATUSES, f"status {status}")
        answer = json.loads(body)
        must(CANARY not in json.dumps(_without_pointers(answer)), "the answer repeats what was sent")
        if status >= 400:
            must(headers[b"content-type"] == b"application/problem+json", "content type of a problem")
            self._problem(answer, status)
            told = headers.keys() & {b"accept-post", b"accept-encoding"}
            must(status != 415 or bool(told), "415 does not tell what is taken")
        else:
            must(headers[b"content-type"] == b"application/json", "content type")
        must(headers[b"content-length"] == b"%d" % len(body), "content length")
        if "items" in answer:
            self._items(request, answer["items"])
        elif status < 400:
            self.events[answer["status"]] += 1
            must(answer["status"] == {202: "stored", 200: "replayed"}[status], "status of a receipt")

    def _problem(self, problem: dict[str, Any], status: int) -> None:
        code = problem["type"].removeprefix("urn:anxing:problem:")
        self.codes[code] += 1
        must(problem["status"] == status and problem["retryable"] is False, "problem and status differ")
        must(code not in {"internal_error", "invalid_request"}, f"code {code}")
        for error in problem.get("errors", []):
            pointer = error["pointer"]
            must(pointer in {"", "Content-Encoding"} or pointer[0] == "/", "no JSON pointer")

    def _items(self, request: Request, items: list[dict[str, Any]]) -> None:
        must(request.content_type.startswith(BATCH), "items without a batch")
        must([item["index"] for item in items] == list(range(len(items))), "items out of order")
        for item in items:
            must(item["status"] in ITEM_STATUSES, f"item {item['status']}")
            self.events[item["status"]] += 1
            if item["status"] in {"stored", "replayed"}:
                must("receipt" in item, "no receipt")
            else:
                self._problem(item["problem"], item["problem"]["status"])

    def stored(self, request: Request, value: bytes) -> str:
        """The type of an event that came in: it is of its schema, and what was sent with stamps; or Wrong."""
        event = json.loads(value)
        self.checked += 1
        errors = [error.json_path for error in validator(event["type"]).iter_errors(event)]
        must(not errors, f"{event['type']} is not of its schema at {', '.join(errors)}")
        if request.content_type.startswith(STRUCTURED):
            # In CloudEvents an attribute that is null is not there.
            sent = {name: text for name, text in json.loads(request.text).items() if text is not None}
            kept = {name: text for name, text in event.items() if name in sent or name not in INTAKE_STAMPS}
            must(kept == sent, "what is stored is not what was sent")
        return str(event["type"])


def _without_pointers(answer: Any) -> Any:
    """The answer but for its pointers: they name keys, which may be a sender's own."""
    if isinstance(answer, dict):
        return {name: _without_pointers(value) for name, value in answer.items() if name != "pointer"}
    return [_without_pointers(entry) for entry in answer] if isinstance(answer, list) else answer


@cache
def validator(name: str) -> Draft202012Validator:
    """The validator of a frozen schema."""
    schema = json.loads((SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8"))
    return Draft202012Validator(schema, format_checker=FormatChecker())
