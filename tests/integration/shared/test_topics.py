"""The topics of an installation."""

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from shared.events.topics import ACCESS, FACTS, OUTCOMES, TOPICS, partitions_of
from shared.runtime.errors import StartupError
from shared.runtime.settings import KafkaSettings
from shared.runtime.topics import check_topics, ensure_topics


@pytest.fixture
async def admin(servers):
    client = AIOKafkaAdminClient(bootstrap_servers=servers.kafka)
    await client.start()
    yield client
    await client.close()


async def partitions(admin: AIOKafkaAdminClient, kafka: KafkaSettings) -> dict[str, int]:
    described = await admin.describe_topics([kafka.name_of(topic) for topic in TOPICS])
    return {topic["topic"]: len(topic["partitions"]) for topic in described if topic["error_code"] == 0}


async def config(admin: AIOKafkaAdminClient, name: str) -> dict[str, str]:
    (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)])
    ((_, _, _, _, entries),) = answer.resources
    return {entry[0]: entry[1] for entry in entries}


async def test_topics_are_made_as_the_contracts_say(admin, kafka):
    assert await partitions(admin, kafka) == {
        kafka.name_of(topic): partitions_of(topic, kafka.partitions) for topic in TOPICS
    }
    facts, access, outcomes = [await config(admin, kafka.name_of(each)) for each in (FACTS, ACCESS, OUTCOMES)]
    assert (facts["retention.ms"], facts["retention.bytes"], facts["cleanup.policy"]) == (
        "-1",
        "-1",
        "delete",
    )
    assert access["cleanup.policy"] == "compact"
    assert outcomes["retention.ms"] == str(30 * 24 * 3600 * 1000)
    assert facts["min.insync.replicas"] == "1"
    await check_topics(kafka)


async def test_a_second_run_makes_nothing(kafka):
    assert await ensure_topics(kafka) == []


async def test_another_partition_count_is_refused(kafka):
    other = kafka.model_copy(update={"partitions": kafka.partitions * 2})

    for check in (check_topics, ensure_topics):
        with pytest.raises(StartupError) as error:
            await check(other)
        assert error.value.sentence == (
            f"The topic {kafka.name_of(FACTS)} has {kafka.partitions} partitions but "
            f"ANXING_KAFKA__PARTITIONS asks for {other.partitions}: set it back, because a change of the "
            "count is a migration."
        )


async def test_missing_topics_are_named_and_not_made_by_asking(admin, kafka):
    elsewhere = kafka.model_copy(update={"topic_prefix": f"{kafka.topic_prefix}other."})

    with pytest.raises(StartupError, match=r"The topic .*other\.anxing\.facts\.v1 is missing at"):
        await check_topics(elsewhere)

    assert await partitions(admin, elsewhere) == {}


async def test_a_cluster_too_small_is_one_sentence(kafka):
    greedy = kafka.model_copy(update={"topic_prefix": f"{kafka.topic_prefix}greedy.", "replication": 3})

    with pytest.raises(StartupError, match=r"^Kafka did not create the topic .*\.$"):
        await ensure_topics(greedy)


async def test_kafka_away_is_one_sentence():
    with pytest.raises(StartupError) as error:
        await check_topics(KafkaSettings(bootstrap="127.0.0.1:1", connect_deadline_seconds=0.5))

    assert error.value.sentence == (
        "Kafka at 127.0.0.1:1 does not answer: start it, or correct ANXING_KAFKA__BOOTSTRAP."
    )
