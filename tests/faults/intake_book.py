"""What the clients of a run posted, what they were told, and what was done to the replicas meanwhile."""

import hashlib
import json
from dataclasses import dataclass, field
from typing import NamedTuple

STORED, REPLAYED, FOUND = "stored", "replayed", "found"
TAKEN = frozenset({STORED, REPLAYED, FOUND})
"""Words by which the door promises that an event is on its topic; `found` by its receipt."""
RETRY, UNKNOWN = "retry", "unknown"
DOUBT = frozenset({RETRY, UNKNOWN})
"""Words that say nothing: 503 or the like, and no answer at all."""
REFUSED = frozenset({"rejected", "conflict", "forbidden"})
PENDING, ABSENT = "pending", "absent"


class Receipt(NamedTuple):
    """Where an event lies by what a client was told."""

    topic: str
    partition: int
    offset: int
    received: str
    fingerprint: str


class Answer(NamedTuple):
    """What one post of a content, or one question after its receipt, was told; times are seconds of Unix."""

    begin: float
    end: float
    slot: str
    word: str
    code: str = ""
    receipt: Receipt | None = None


@dataclass(slots=True)
class Content:
    """One content under one id; another content under the same id is another one of these.

    `body` are the bytes of the event in structured mode, `exact` False where intake puts it together from
    headers. `never` says that no door may let it in.
    """

    id: str
    source: str
    subject: str
    key: str
    body: bytes
    root: str = ""
    revision: int = 1
    exact: bool = True
    never: bool = False
    answers: list[Answer] = field(default_factory=list)

    @property
    def identity(self) -> tuple[str, str]:
        return self.id, self.source

    def told(self, *words: str) -> list[Answer]:
        """The answers with one of these words."""
        return [answer for answer in self.answers if answer.word in words]

    @property
    def event(self) -> bytes:
        """The event as intake reads it: headers also say what the data is."""
        if self.exact:
            return self.body
        return json.dumps({**json.loads(self.body), "datacontenttype": "application/json"}).encode()

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the canonical event: keys sorted, no blanks; nobody here writes fractions."""
        event = json.loads(self.event)
        text = json.dumps(event, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def taken(self) -> bool:
        return any(answer.word in TAKEN for answer in self.answers)

    @property
    def doubts(self) -> int:
        """Posts that may or may not have been stored."""
        return len(self.told(*DOUBT))


@dataclass(slots=True)
class Batch:
    """Contents that were posted as one request until each had its fate; `verdicts` are the answers, each
    with the places of the items that were sent and their words."""

    contents: list[Content]
    verdicts: list[list[tuple[int, str]]] = field(default_factory=list)


class Fault(NamedTuple):
    """Something that was done; `slot` is empty where it concerned both replicas."""

    kind: str
    slot: str
    begin: float
    end: float


@dataclass
class Book:
    """All of a run."""

    contents: list[Content] = field(default_factory=list)
    batches: list[Batch] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)
    """Answers that no contract knows."""

    def during(
        self, kinds: tuple[str, ...], begin: float, end: float, *, slot: str = "", slack: float = 0.0
    ) -> bool:
        """Whether such a fault, at that slot or at any, touched that time."""
        return any(
            fault.kind in kinds
            and (not slot or fault.slot in {"", slot})
            and fault.begin - slack <= end
            and fault.end + slack >= begin
            for fault in self.faults
        )
