"""The closed list of what notify counts beside the plumbing."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram
from shared.runtime.logs import get_logger
from shared.runtime.metrics import FAST_BUCKETS, Metrics

from notify.domain.answers import Answer

log = get_logger()


class NotifyMetrics:
    """Metrics of one process; also what a dispatcher reports to (`ports.Watch`)."""

    def __init__(self, metrics: Metrics) -> None:
        registry = metrics.registry
        # Outcomes taken over, and those dropped as repeats by id or by sequence.
        self.outcomes = Counter("anxing_notify_outcomes", "Outcomes read", ("result",), registry=registry)
        # Gaps in a source's sequence: every one is an alarm, an outcome may be missing.
        self.gaps = Counter(
            "anxing_notify_sequence_gaps", "Sequences skipped by the source", registry=registry
        )
        # Decisions on record, by what was decided.
        self.decisions = Counter("anxing_notify_decisions", "Decisions", ("action",), registry=registry)
        # Templates that failed; the plain text went out instead.
        self.templates_broken = Counter(
            "anxing_notify_templates_broken", "Templates that failed", ("template",), registry=registry
        )
        # Attempts by channel and by what followed from them.
        self.attempts = Counter(
            "anxing_notify_attempts", "Attempts ended", ("channel", "verdict"), registry=registry
        )
        # Time of one attempt, from its start to the last byte read.
        self.attempt_seconds = Histogram(
            "anxing_notify_attempt_seconds",
            "Time of an attempt",
            ("channel",),
            buckets=FAST_BUCKETS,
            registry=registry,
        )
        # Claims lost to other workers while results were still to be written.
        self.claims_lost = Counter("anxing_notify_claims_lost", "Claims lost", registry=registry)
        # Lanes in the hand of this process, and its open requests by part of the pool.
        self.lanes = Gauge("anxing_notify_lanes", "Lanes leased", registry=registry)
        self.requests = Gauge(
            "anxing_notify_open_requests", "Requests under way", ("part",), registry=registry
        )
        # Addresses that the guard refused at the socket.
        self.forbidden = Counter(
            "anxing_notify_forbidden_addresses", "Connections refused by the guard", registry=registry
        )
        # Things that never should fail and did.
        self.bugs = Counter("anxing_notify_bugs", "Bugs caught", ("where",), registry=registry)

        # Looking a child up by its labels costs more than counting with it.
        self._attempt_children: dict[tuple[str, str], tuple[Counter, Histogram]] = {}

    def attempted(self, channel: str, answer: Answer, seconds: float) -> None:
        key = channel, answer.verdict.value
        children = self._attempt_children.get(key)
        if children is None:
            children = self.attempts.labels(*key), self.attempt_seconds.labels(channel)
            self._attempt_children[key] = children
        children[0].inc()
        children[1].observe(seconds)

    def refused(self, claims: int) -> None:
        self.claims_lost.inc(claims)
        log.warning("claims_lost", claims=claims)

    def working(self, *, lanes: int, brisk: int, slow: int) -> None:
        self.lanes.set(lanes)
        self.requests.labels("brisk").set(brisk)
        self.requests.labels("slow").set(slow)

    def bug(self, where: str, error: Exception) -> None:
        self.bugs.labels(where).inc()
        log.error("bug", where=where, exc_info=error)
