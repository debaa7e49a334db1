"""The closed list of what scoring counts beside the plumbing; labels never hold an id."""

from __future__ import annotations

from prometheus_client import Counter, Gauge
from shared.runtime.metrics import Metrics


class ScoringMetrics:
    """Metrics of one scoring process, on the registry of its plumbing."""

    def __init__(self, plumbing: Metrics) -> None:
        registry = plumbing.registry

        # Facts judged, by fate: new, repeat, replaces, stale, conflict_kept, conflict_replaces.
        self.facts = Counter("anxing_scoring_facts", "Facts judged", ("result",), registry=registry)
        # Events announced, by kind.
        self.announced = Counter(
            "anxing_scoring_announced", "Outcomes committed to the outbox", ("kind",), registry=registry
        )
        # Compounds folded anew from the beginning, by cause: registry, late.
        self.refolds = Counter(
            "anxing_scoring_refolds", "Compounds folded anew", ("cause",), registry=registry
        )
        # Parked records tried again, by what became of them: counted, parked.
        self.retries = Counter(
            "anxing_scoring_retries", "Parked records tried again", ("result",), registry=registry
        )
        # Days closed, counted per partition.
        self.days_closed = Counter("anxing_scoring_days_closed", "Days closed", registry=registry)
        # 1 while a day is due but must not be closed, because the clocks or the newest event do not agree.
        self.days_held = Gauge("anxing_scoring_days_held", "Closing of days held back", registry=registry)
        # Days that are over by the clock and not closed, of the partition that is furthest behind.
        self.days_behind = Gauge(
            "anxing_scoring_days_behind", "Days over and not yet closed", registry=registry
        )
        # Rows of work that are due, of the partitions owned, and for how long the first of them has been.
        self.pending_work = Gauge(
            "anxing_scoring_pending_work", "Rows of work that are due", registry=registry
        )
        self.pending_work_oldest = Gauge(
            "anxing_scoring_pending_work_oldest_seconds", "How long work has been due", registry=registry
        )
        # Records that are parked and not resolved, of the partitions owned.
        self.parked_open = Gauge(
            "anxing_scoring_parked_open", "Records parked and not resolved", ("consumer",), registry=registry
        )
        # Compounds in memory.
        self.cached = Gauge("anxing_scoring_cached_compounds", "Compounds in memory", registry=registry)
