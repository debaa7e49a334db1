"""`notify preview`: how notices read, on the samples of the contracts."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from shared.events.catalogue import CATALOGUE, Family
from shared.events.samples import SAMPLES
from shared.runtime.errors import StartupError
from shared.runtime.metrics import Metrics
from shared.runtime.records import Record

from notify.domain.decide import Action, Decision
from notify.domain.organisations import Kind, Recipient
from notify.letters import Letters, Payload
from notify.metrics import NotifyMetrics
from notify.translate import outcome_of

NAMES = {
    ("compound", "C00017"): "锦绣花园",
    ("company", "P01"): "安居物业",
    ("community", "Q03"): "江滨社区",
    ("station", "S1"): "城东派出所",
    ("committee", "Y017"): "锦绣花园业委会",
    ("developer", "K02"): "舜江置业",
    ("street", "J1"): "百官街道",
}


@dataclass(frozen=True, slots=True)
class Preview:
    """One notice in words; `kind` is the type without prefix and version."""

    kind: str
    title: str
    text: str


def render(kind: str) -> list[Preview]:
    """Notices of that kind, or of all; StartupError for a kind that does not exist."""
    letters = Letters(ZoneInfo("Asia/Shanghai"), NotifyMetrics(Metrics("notify")))
    previews = []
    for name, event_type in CATALOGUE.items():
        known = event_type.kind.removeprefix("outcome.")
        if event_type.family is Family.OUTCOME and kind in {"", known}:
            previews.append(_preview(letters, known, SAMPLES[name]))
    if not previews:
        raise StartupError(f"There is no kind of notice called {kind}: leave it out to see all.")
    return previews


def _preview(letters: Letters, kind: str, sample: bytes) -> Preview:
    outcome = outcome_of(Record("", 0, 0, None, sample, (), 0))
    decision = Decision(Recipient(Kind.COMPANY, "P01"), Action.SENT, "preview")
    letter = letters.write(outcome, decision, UUID(int=0), NAMES)
    words = _WORDS.decode(letter.payload).data.notice
    return Preview(kind, words.title, words.text)


_WORDS = msgspec.json.Decoder(Payload)
