"""The closed list of what plumbing counts; a service adds its own in its `metrics.py`.

Names are written here and nowhere else. Units stand last in a name. Labels are few and bounded: never an id
of a compound, an event or a person.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

# Seconds; from a cache hit to the longest deadline.
FAST_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

BATCH_RESULTS = ("committed", "fenced", "stale", "in_doubt", "retried", "failed")
"""How cursor transactions end; a consumer shows each from its start, so that the first is a change from 0."""


class Metrics:
    """The metrics of one process; handed to what counts, so that tests have one each."""

    def __init__(self, service: str) -> None:
        self.service = service
        self.registry = CollectorRegistry()
        # Resident memory, CPU, open files of this process.
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)

        # Requests answered, by route template, method and status.
        self.http_requests = Counter(
            "anxing_http_requests",
            "Requests answered",
            ("route", "method", "status"),
            registry=self.registry,
        )
        # Time from the first byte of a request to the last byte of its answer.
        self.http_seconds = Histogram(
            "anxing_http_request_seconds",
            "Time to answer a request",
            ("route",),
            buckets=FAST_BUCKETS,
            registry=self.registry,
        )
        # Requests refused for their credential, by code.
        self.auth_refused = Counter(
            "anxing_auth_refused", "Requests refused for their credential", ("code",), registry=self.registry
        )
        # Credentials and persons in force in memory.
        self.auth_entries = Gauge(
            "anxing_auth_entries", "Credentials and persons known", ("kind",), registry=self.registry
        )
        # Unreadable records on the access topic.
        self.auth_ignored = Counter(
            "anxing_auth_ignored", "Access records that could not be used", registry=self.registry
        )

        # Records acknowledged by all in-sync replicas.
        self.published = Counter(
            "anxing_published_records", "Records acknowledged", ("topic",), registry=self.registry
        )
        # Records not acknowledged in time or refused, by kind of error.
        self.publish_failures = Counter(
            "anxing_publish_failures", "Records not acknowledged", ("error",), registry=self.registry
        )
        # Producers given up and built anew after an error that leaves them unusable.
        self.producer_rebuilds = Counter(
            "anxing_producer_rebuilds", "Producers built anew", registry=self.registry
        )

        # Records taken from a topic and committed, including repeats and parked ones.
        self.consumed = Counter(
            "anxing_consumed_records", "Records consumed and committed", ("consumer",), registry=self.registry
        )
        # Cursor transactions, by how they ended (BATCH_RESULTS).
        self.batches = Counter(
            "anxing_batches", "Cursor transactions", ("consumer", "result"), registry=self.registry
        )
        # Time of one cursor transaction, from begin to commit.
        self.batch_seconds = Histogram(
            "anxing_batch_seconds",
            "Time of a cursor transaction",
            ("consumer",),
            buckets=FAST_BUCKETS,
            registry=self.registry,
        )
        # Records between the cursor and the end of the log, over the partitions owned.
        self.lag = Gauge(
            "anxing_lag_records", "Records not yet consumed", ("consumer",), registry=self.registry
        )
        # Partitions claimed by this process.
        self.claims = Gauge("anxing_claims", "Partitions owned", ("consumer",), registry=self.registry)
        # Records set aside, by reason.
        self.parked = Counter(
            "anxing_parked_records", "Records parked", ("consumer", "code"), registry=self.registry
        )
        # Rows relayed from the outbox to their topic.
        self.relayed = Counter(
            "anxing_relayed_records", "Outbox rows published", ("relay",), registry=self.registry
        )
        # Age of the oldest outbox row of the partitions owned; 0 when there is none.
        self.outbox_age = Gauge(
            "anxing_outbox_oldest_seconds", "Age of the oldest outbox row", ("relay",), registry=self.registry
        )
        # The database came back with an older state than the log: every one is an alarm.
        self.incarnations = Counter(
            "anxing_incarnations",
            "Times a database was found to have gone back",
            ("consumer",),
            registry=self.registry,
        )
        # Records of one cursor transaction: how well small records are batched under load.
        self.batch_records = Histogram(
            "anxing_batch_records",
            "Records of a cursor transaction",
            ("consumer",),
            buckets=(1, 2, 5, 10, 50, 100, 500, 1000, 5000),
            registry=self.registry,
        )
        # Backends of former owners ended because they held a partition's row.
        self.backends_terminated = Counter(
            "anxing_backends_terminated",
            "Former owners' backends ended at a claim",
            ("consumer",),
            registry=self.registry,
        )
