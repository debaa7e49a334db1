"""Puts outcomes into words, once: the bytes that the inbox shows and every attempt sends."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import jinja2
import msgspec
from jinja2.sandbox import ImmutableSandboxedEnvironment
from shared.runtime.logs import get_logger

from notify import wording
from notify.domain.decide import Decision
from notify.domain.organisations import POLICE
from notify.metrics import NotifyMetrics
from notify.ports import Letter, Outcome
from notify.translate import visible_to_public

log = get_logger()

TEMPLATE_VERSION: Final = "zh-1"
PLAIN_VERSION: Final = "plain"
TEMPLATES: Final = Path(__file__).parent / "templates"

TEXT_CHARS_MAX: Final = 4_000
RENDER_SECONDS_MAX: Final = 0.25
_RELATIONS: Final = ("company", "community", "station", "committee", "developer", "street")

Names = Mapping[tuple[str, str], str]


class Named(msgspec.Struct, frozen=True, gc=False):
    """An id and what it is called."""

    id: str
    name: str


class NoticeBody(msgspec.Struct, frozen=True, gc=False):
    """What the recipient reads first."""

    id: str
    recipient: Named
    title: str
    text: str
    mandatory: bool
    historical: bool


class PayloadData(msgspec.Struct, frozen=True, gc=False):
    """The notice in words, and the outcome it is about as data."""

    notice: NoticeBody
    outcome_id: str
    compound: Named
    names: dict[str, str]
    outcome: Any


class Payload(msgspec.Struct, frozen=True, gc=False):
    """The body of a webhook: type, timestamp and data, as Standard Webhooks advises."""

    type: str
    timestamp: datetime
    data: PayloadData


class OverlongError(Exception):
    """A template that does not end in time or in size."""


class Letters:
    """Renders with sandboxed templates of one language; a broken one never stops a queue."""

    def __init__(self, zone: ZoneInfo, metrics: NotifyMetrics, templates: Path = TEMPLATES / "zh") -> None:
        self._metrics = metrics
        self._environment = ImmutableSandboxedEnvironment(
            loader=jinja2.FileSystemLoader(templates),
            undefined=jinja2.StrictUndefined,
            # Plain text: e-mail and pages escape when they put it into HTML.
            autoescape=False,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=False,
        )
        self._environment.filters.update(wording.filters(zone))
        self._encoder = msgspec.json.Encoder()
        # One outcome goes to several recipients in a row, who read the same words.
        self._last: tuple[UUID, bool, str, str, str] | None = None

    def write(self, outcome: Outcome, decision: Decision, notice: UUID, names: Names) -> Letter:
        """The letter to one recipient; police read codes of incidents, others do not."""
        police = decision.recipient.kind in POLICE
        title, text, version = self._words(outcome, names, police=police)
        recipient = decision.recipient
        payload = Payload(
            type=outcome.type,
            timestamp=outcome.occurred_at,
            data=PayloadData(
                notice=NoticeBody(
                    id=str(notice),
                    recipient=Named(recipient.id, _name(names, recipient.kind.value, recipient.organisation)),
                    title=title,
                    text=text,
                    mandatory=decision.mandatory,
                    historical=outcome.signals.historical,
                ),
                outcome_id=str(outcome.id),
                compound=Named(outcome.subject, _name(names, "compound", outcome.subject)),
                names=_related(outcome, names),
                outcome=outcome.data if police else visible_to_public(outcome.data),
            ),
        )
        return Letter(self._encoder.encode(payload), version)

    def _words(self, outcome: Outcome, names: Names, *, police: bool) -> tuple[str, str, str]:
        last = self._last
        if last is not None and last[0] == outcome.id and last[1] is police:
            return last[2:]
        compound = _name(names, "compound", outcome.subject)
        try:
            words = self._render(outcome, names, compound, police=police)
            version = TEMPLATE_VERSION
        except Exception:
            # Whatever a template does, its notice goes out plain and the queue moves on.
            self._metrics.templates_broken.labels(outcome.signals.kind).inc()
            log.exception("template_broken", template=outcome.signals.kind)
            words = f"{compound}：{outcome.signals.kind}", f"{compound}有新的通知（{outcome.type}）。"
            version = PLAIN_VERSION
        self._last = (outcome.id, police, *words, version)
        return *words, version

    def _render(self, outcome: Outcome, names: Names, compound: str, *, police: bool) -> tuple[str, str]:
        template = self._environment.get_template(f"{outcome.signals.kind}.j2")
        stream = template.generate(
            o=outcome.data if police else visible_to_public(outcome.data),
            compound=compound,
            subject=outcome.subject,
            names=_related(outcome, names),
            police=police,
        )
        ends_at = time.monotonic() + RENDER_SECONDS_MAX
        parts: list[str] = []
        length = 0
        for part in stream:
            parts.append(part)
            length += len(part)
            if length > TEXT_CHARS_MAX or time.monotonic() > ends_at:
                raise OverlongError
        title, _, text = "".join(parts).strip().partition("\n")
        return title.strip(), "\n".join(line for line in text.strip().splitlines() if line.strip())


def _name(names: Names, kind: str, entity: str) -> str:
    """What an entity is called; one that the registry has not announced yet goes by its id."""
    return names.get((kind, entity), entity)


def _related(outcome: Outcome, names: Names) -> dict[str, str]:
    return {
        kind: _name(names, kind, organisation)
        for kind in _RELATIONS
        if (organisation := getattr(outcome.relations, kind)) is not None
    }
