"""Where bodies begin: a valid sample of each event type, as one request in each of the three modes."""

import gzip
import json
import random
import uuid
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from shared.events.envelope import INTAKE_STAMPS
from shared.events.samples import SAMPLES

STRUCTURED: Final = b"application/cloudevents+json"
BATCH: Final = b"application/cloudevents-batch+json"
BINARY: Final = b"application/json"

Headers = list[tuple[bytes, bytes]]

DOCUMENTS: Final[dict[str, dict[str, Any]]] = {
    name: {key: value for key, value in json.loads(sample).items() if key not in INTAKE_STAMPS}
    for name, sample in SAMPLES.items()
}
NAMES: Final = sorted(DOCUMENTS)


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent, but for the key and the length."""

    headers: Headers
    body: bytes

    @property
    def content_type(self) -> bytes:
        return dict(self.headers).get(b"content-type", b"")

    @property
    def text(self) -> bytes:
        """The body without its coding, which must be whole."""
        packed = (b"content-encoding", b"gzip") in self.headers
        return gzip.decompress(self.body) if packed else self.body


def fresh(rng: random.Random) -> dict[str, Any]:
    """A valid event of some type that nobody has sent before, and now and then one of an old id."""
    document: dict[str, Any] = json.loads(json.dumps(DOCUMENTS[rng.choice(NAMES)]))
    if rng.random() < 0.95:
        document["id"] = str(uuid.UUID(int=rng.getrandbits(128), version=4))
    if rng.random() < 0.1:
        document["traceparent"] = f"00-{rng.getrandbits(128) | 1:032x}-{rng.getrandbits(64) | 1:016x}-01"
    return document


def binary_headers(document: dict[str, Any]) -> Headers:
    """The attributes of an event as headers; whatever is no text is written as JSON writes it."""
    headers: Headers = []
    for name, value in document.items():
        if name in {"data", "datacontenttype"}:
            continue
        text = value if isinstance(value, str) else json.dumps(value)
        encoded = quote(text, safe=" !#$&'()*+,-./:;<=>?@[]^_`{|}~", errors="replace")
        headers.append((f"ce-{quote(name, safe='')[:100].lower()}".encode(), encoded.encode()))
    return headers
