"""What intake counts beside the plumbing; names stand here and nowhere else."""

from __future__ import annotations

from prometheus_client import Counter, Gauge
from shared.runtime.metrics import Metrics


class IntakeMetrics:
    """The metrics of the door."""

    def __init__(self, metrics: Metrics) -> None:
        self.plumbing = metrics
        # Every event that was judged, by the status of its verdict and the code of its refusal.
        self.events = Counter(
            "anxing_intake_events",
            "Events judged, by verdict and code",
            ("status", "code"),
            registry=metrics.registry,
        )
        # Whole requests that were refused before an event was looked at, by code.
        self.refused = Counter(
            "anxing_intake_requests_refused",
            "Requests refused as a whole",
            ("code",),
            registry=metrics.registry,
        )
        # Requests and bytes of bodies under way.
        self.requests_under_way = Gauge(
            "anxing_intake_requests_under_way", "Requests under way", registry=metrics.registry
        )
        self.bytes_under_way = Gauge(
            "anxing_intake_bytes_under_way", "Bytes of bodies under way", registry=metrics.registry
        )
        # Devices whose rates are remembered.
        self.devices_remembered = Gauge(
            "anxing_intake_devices_remembered", "Devices with a rate of their own", registry=metrics.registry
        )
        # 1 while publishing is broken off because the broker does not answer.
        self.circuit_open = Gauge(
            "anxing_intake_circuit_open", "Publishing is broken off", registry=metrics.registry
        )
        # Receipts deleted for their age.
        self.receipts_forgotten = Counter(
            "anxing_intake_receipts_forgotten", "Receipts deleted for their age", registry=metrics.registry
        )
