"""Every producer, ours or not, places a compound in the same partition."""

from __future__ import annotations

import pytest
from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st
from shared.events.topics import OUTCOMES, REGISTRY, TOPICS, murmur2, partition_for, partitions_of


# From the tests of Apache Kafka (UtilsTest.testMurmur2), there as signed integers.
@pytest.mark.parametrize(
    ("key", "signed"),
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_murmur2_of_known_vectors(key: bytes, signed: int) -> None:
    assert murmur2(key) == signed & 0xFFFFFFFF


@given(key=st.binary(max_size=80), n=st.sampled_from([1, 12, 24, 64]))
def test_partition_equals_that_of_the_default_partitioner(key: bytes, n: int) -> None:
    every = list(range(n))
    assert partition_for(key, n) == DefaultPartitioner()(key, every, every)


def test_partition_counts() -> None:
    assert partitions_of(OUTCOMES, 24) == 24
    assert partitions_of(REGISTRY, 24) == 1
    assert len({topic.name for topic in TOPICS}) == len(TOPICS) == 6
