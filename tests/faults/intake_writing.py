"""What people in the field write: incidents, corrections, withdrawals, registrations, and what is wrong."""

import json
import random
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.faults.intake_book import Book, Content

COMPOUNDS = tuple(f"C{number:05d}" for number in range(1, 41))
INCIDENT = "anxing.incident.recorded.v1"
REGISTRATION = "anxing.compound.registered.v1"
WITHDRAWAL = "anxing.fact.withdrawn.v1"
CODES = ("010301", "010302")
COMMUNITY, STATION = "M1", "S1"


@dataclass
class Fact:
    """A fact that was taken in, with its newest revision as far as its writer knows."""

    first: Content
    revision: int = 1


@dataclass
class Writing:
    """Makes contents and enters them in the book; one for all clients of a run."""

    book: Book
    chance: random.Random
    facts: list[Fact] = field(default_factory=list)
    """What may be corrected; who corrects one takes it out meanwhile."""
    written: int = 0

    def incident(self, source: str, subject: str | None = None, **more: Any) -> Content:
        """A new one, of some minutes ago."""
        self.written += 1
        data = {
            "code": self.chance.choice(CODES),
            "status": "filed",
            "case_no": f"案{self.written}",
            "casualties": self.chance.randrange(3),
        }
        return self._enter(source, subject or self.chance.choice(COMPOUNDS), INCIDENT, data, **more)

    def other(self, content: Content) -> Content:
        """Another content under the same id."""
        return self.incident(content.source, content.subject, id=content.id)

    def correction(self, fact: Fact) -> Content:
        """The next revision: the fact told again in another way, or withdrawn."""
        first = fact.first
        more = {"rootid": first.id, "revision": fact.revision + 1}
        if self.chance.random() < 0.2:
            return self._enter(first.source, first.subject, WITHDRAWAL, {"reason": "误报"}, **more)
        return self.incident(first.source, first.subject, **more)

    def registration(self, source: str) -> Content:
        """A compound that nobody knew, or one that is registered again."""
        data = {
            "name": f"小区{self.written}",
            "households": self.chance.randrange(100, 900),
            "occupied_households": 90,
            "buildings": 9,
            "enclosed": True,
            "company_id": "P01",
            "community_id": COMMUNITY,
            "station_id": STATION,
            "effective_from": "2026-01-01",
        }
        subject = self.chance.choice(COMPOUNDS)
        return self._enter(source, subject, REGISTRATION, data, key=f"compound:{subject}")

    def wrong(self, source: str) -> Content:
        """What no door may let in."""
        match self.chance.randrange(4):
            case 0:
                return self.incident(source, never=True, receivedtime=_ago(1))
            case 1:
                return self.incident(source, never=True, type="anxing.incident.guessed.v1")
            case 2:
                return self.incident(source, never=True, time="昨天")
            case _:
                twice = self.incident(source, never=True)
                twice.body = twice.body[:-1] + b',"subject":"C00001"}'
                return twice

    def _enter(
        self,
        source: str,
        subject: str,
        kind: str,
        data: dict[str, Any],
        *,
        key: str | None = None,
        never: bool = False,
        **more: Any,
    ) -> Content:
        event: dict[str, Any] = {
            "specversion": "1.0",
            "id": str(uuid.UUID(int=self.chance.getrandbits(128), version=4)),
            "source": source,
            "type": kind,
            "subject": subject,
            "time": _ago(self.chance.uniform(1, 600)),
            "data": data,
        }
        if self.chance.random() < 0.3:
            event["devicenote"] = '楼道 \\ "北"'
        event |= more
        content = Content(
            event["id"],
            source,
            subject,
            key or subject,
            json.dumps(event, ensure_ascii=self.chance.random() < 0.3).encode(),
            root=event.get("rootid", event["id"]),
            revision=event.get("revision", 1),
            never=never,
        )
        self.book.contents.append(content)
        return content


def _ago(seconds: float) -> str:
    return (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat()
