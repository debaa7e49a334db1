"""Ways to spoil a document, a body or a set of headers: each takes the seed's generator and nothing else."""

import json
import random
from collections.abc import Callable
from typing import Any, Final

from tests.fuzz.corpus import Headers

# Stands in what is sent and must stand in no answer.
CANARY: Final = "kanarienvogel"
BODY_CHARS_MAX: Final = 400_000
# What is nested deep grows with the square of its depth when it is indented.
INDENTED_CHARS_MAX: Final = 3_000


class Twin(str):
    """A key that is equal to nothing but itself, so that an object can have it twice."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)


def _deep(depth: int, inner: Any = 1) -> Any:
    for level in range(depth):
        inner = [inner] if level % 2 else {"a": inner}
    return inner


VALUES: Final[tuple[Callable[[random.Random], Any], ...]] = (
    lambda _: None,
    lambda _: True,
    lambda _: "",
    lambda _: [],
    lambda _: {},
    lambda _: CANARY,
    lambda rng: rng.choice([0, -1, 1, 2**31 - 1, 2**31, 2**53 - 1, 2**53, -(2**63), 10**30, 10**400]),
    lambda rng: rng.choice([0.5, -0.0, 1e-320, 1e308, 1.0, float("nan"), float("inf"), -float("inf")]),
    lambda rng: "x" * rng.choice([64, 65, 128, 129, 512, 4096, 4097, 70_000]),
    lambda rng: rng.choice(
        ["\x00", "\x1b[31m", "\x7f", "\x85", "\u202e", "\u2066", "\ud800", "\udc00\ud83d"]
    ),
    lambda rng: rng.choice(["东", "🙂", "e\u0301", "\ufeff", "\uffff", "\U0010ffff", "İ", "ß", "\u2028"]),
    lambda rng: rng.choice(
        ["9999-12-31T23:59:59.999999Z", "1970-01-01T00:00:00+00:00", "0001-01-01", "24:00"]
    ),
    lambda rng: rng.choice(["2026-03-02T09:30:60Z", "2026-03-02T09:30:00+23:59", "2026-02-30", "1760000000"]),
    lambda rng: rng.choice(
        ["00000000-0000-0000-0000-000000000000", "urn:x", "../../x", "a" * 64, "%00", "\n"]
    ),
    lambda rng: rng.choice(
        ["anxing.nothing.v1", "anxing.incident.recorded.v2", "anxing.outcome.star.changed.v1"]
    ),
    lambda rng: [rng.choice([0, "x", None, {}])] * rng.choice([1, 31, 257, 501, 3000]),
    lambda rng: {f"k{number}": number for number in range(rng.choice([2, 256, 257, 2000]))},
    lambda rng: _deep(rng.choice([5, 29, 30, 31, 32, 33, 40, 900])),
)
KEYS: Final = (
    *(
        "",
        "Id",
        "id",
        "data",
        "data_base64",
        "dataschema",
        "receivedtime",
        "actorrole",
        "deviceid",
        "revision",
    ),
    *(
        "rootid",
        "subject",
        "__proto__",
        "$ref",
        "a.b",
        "a/b~c",
        "[0]",
        "a" * 64,
        "a" * 65,
        "键",
        "\u202e",
        "\x00",
    ),
    *("traceparent", "objectionid", "class", "evidence", "recordedtime", CANARY, "authorization"),
)
TOKENS: Final = (
    *(
        b'"',
        b"\\",
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b" ",
        b"\n",
        b"\x00",
        b"\xff",
        b"\xef\xbb\xbf",
        b"\xc0\x80",
    ),
    *(b"NaN", b"-Infinity", b"1e999", b"-0", b"01", b"0x1", b".5", b"5.", b"1" * 400, b"null", b"true", b"'"),
    *(
        b"\\u0000",
        b"\\ud800",
        b"\\u202e",
        b"\\x41",
        b"/*",
        b"//",
        b"\xed\xa0\x80",
        b"\xe2\x80\xae",
        b"\xc2\x85",
    ),
    *(
        b',"id":"x"',
        b',"a":1,"a":2',
        b"[" * 2000,
        b'{"a":' * 40,
        b"\r\n\r\n",
        b"\x1f\x8b\x08",
    ),
)


def spoil_document(document: dict[str, Any], rng: random.Random) -> None:
    """Change one place of it, wherever."""
    where, key = rng.choice(_places(document))
    match rng.randrange(6):
        case 0:
            del where[key]
        case 1 if isinstance(where, dict):
            where[Twin(key)] = where[key] if rng.random() < 0.5 else rng.choice(VALUES)(rng)
        case 2 if isinstance(where, dict):
            where[rng.choice(KEYS)] = where.pop(key)
        case 3 if isinstance(where, list):
            where.extend([where[key]] * rng.choice([1, 30, 500]))
        case 4 if isinstance(where, dict):
            where[rng.choice(KEYS)] = rng.choice(VALUES)(rng)
        case _:
            where[key] = rng.choice(VALUES)(rng)


def _places(document: Any) -> list[tuple[Any, Any]]:
    """Every entry of every object and list in it; the attributes thrice, since most of a document is data."""
    found: list[tuple[Any, Any]] = [(document, key) for key in document] * 2
    waiting = [document]
    while waiting and len(found) < 500:
        node = waiting.pop()
        entries = list(node.items()) if isinstance(node, dict) else list(enumerate(node))
        found += [(node, key) for key, _ in entries]
        waiting += [value for _, value in entries if isinstance(value, dict | list) and value]
    return found or [({"x": 1}, "x")]


def written(value: Any, rng: random.Random) -> bytes:
    """The JSON text in one of the ways in which senders write, cut where nobody would read on."""
    style = rng.randrange(4)
    try:
        text = json.dumps(
            value, ensure_ascii=style == 0, separators=(", ", ": ") if style == 2 else (",", ":")
        )
        if style == 1 and len(text) < INDENTED_CHARS_MAX:
            text = json.dumps(value, ensure_ascii=False, indent=1)
    except RecursionError:
        # What was nested deep was put into another that is: no writer goes so deep, a sender may.
        text = '{"specversion":"1.0","data":' + '[{"a":' * 2_000
    return text[:BODY_CHARS_MAX].encode("utf-8", "surrogatepass")


def spoil_bytes(body: bytes, rng: random.Random) -> bytes:
    """Flip, cut, repeat, splice or insert somewhere."""
    at = rng.randrange(len(body) + 1)
    end = min(len(body), at + rng.choice([1, 1, 2, 8, 64, 1000]))
    match rng.randrange(6):
        case 0 if at < len(body):
            return body[:at] + bytes([body[at] ^ 1 << rng.randrange(8)]) + body[at + 1 :]
        case 1:
            return body[:at] + body[end:]
        case 2:
            return body[:at] + body[at:end] * rng.choice([2, 3, 50]) + body[end:]
        case 3:
            start = rng.randrange(len(body) + 1)
            return body[:at] + body[start : start + rng.choice([1, 4, 40])] + body[end:]
        case 4:
            return body[:at]
        case _:
            return body[:at] + rng.choice(TOKENS) + body[at:]


_VALUES_OF_HEADERS: Final = (
    *(
        b"",
        b"1.0",
        b"%",
        b"%ff",
        b"%00",
        b"%C2%85",
        b"%E2%80%AE",
        b"\xe4\xb8\x9c",
        b"\xff",
        b"%22,%22id%22:1",
    ),
    *(b"x" * 5000, b"2147483648", b"-1", b"0", b"9" * 30, b'"', b"\\", CANARY.encode(), b"\xd9\xa3", b"1e3"),
)
_TYPES: Final = (
    *(b"", b"text/plain", b"application/json; charset=gbk", b"application/cloudevents+json;charset=utf-8"),
    *(
        b"application/cloudevents-batch+json",
        b"application/cloudevents+xml",
        b"APPLICATION/JSON",
        b";",
        b"\xff",
    ),
)


def spoil_headers(headers: Headers, rng: random.Random) -> Headers:
    """Drop, repeat, rename or rewrite one header, or add one."""
    at = rng.randrange(len(headers))
    name, value = headers[at]
    match rng.randrange(7):
        case 0:
            return headers[:at] + headers[at + 1 :]
        case 1:
            return [*headers, (name, value)]
        case 2:
            key = rng.choice(KEYS).encode("ascii", "ignore").replace(b"\x00", b"").lower()
            return [*headers, (b"ce-" + key.translate(None, b"/[]~ "), rng.choice(_VALUES_OF_HEADERS))]
        case 3:
            return [(n, rng.choice(_TYPES) if n == b"content-type" else v) for n, v in headers]
        case 4:
            extra = rng.choice(
                [b"sent-at", b"content-encoding", b"traceparent", b"accept", b"expect-nothing"]
            )
            return [*headers, (extra, rng.choice(_VALUES_OF_HEADERS))]
        case _:
            return [*headers[:at], (name, rng.choice(_VALUES_OF_HEADERS)), *headers[at + 1 :]]
