"""The official images of Kafka and PostgreSQL as servers of a test session."""

from collections.abc import Callable

from shared.embedded.ports import any_free
from shared.embedded.probe import kafka_cluster
from shared.embedded.processes import poll
from testcontainers.community.postgres import PostgresContainer
from testcontainers.core.container import DockerContainer

SECONDS_MAX = 60


def start_containers(kafka_image: str, postgres_image: str) -> tuple[str, str, str, Callable[[], None]]:
    """Kafka's address, the superuser's URL, the word for the report, and how to give them back."""
    port = any_free()
    kafka = DockerContainer(kafka_image).with_bind_ports(9092, port)
    host = kafka.get_docker_client().host()
    kafka = kafka.with_envs(
        KAFKA_NODE_ID="1",
        KAFKA_PROCESS_ROLES="broker,controller",
        KAFKA_CONTROLLER_QUORUM_VOTERS="1@localhost:9093",
        KAFKA_CONTROLLER_LISTENER_NAMES="CONTROLLER",
        KAFKA_LISTENERS="PLAINTEXT://0.0.0.0:9092,INSIDE://localhost:9094,CONTROLLER://localhost:9093",
        # One address as the tests see it, which the image itself cannot know, and one for the broker's calls
        # to itself: with transactions it makes some, and the port of the host leads nowhere from inside.
        KAFKA_ADVERTISED_LISTENERS=f"PLAINTEXT://{host}:{port},INSIDE://localhost:9094",
        KAFKA_LISTENER_SECURITY_PROTOCOL_MAP="CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,INSIDE:PLAINTEXT",
        KAFKA_INTER_BROKER_LISTENER_NAME="INSIDE",
        KAFKA_AUTO_CREATE_TOPICS_ENABLE="false",
        KAFKA_MESSAGE_MAX_BYTES="2097152",
        KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR="1",
        KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR="1",
        KAFKA_TRANSACTION_STATE_LOG_MIN_ISR="1",
        KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS="0",
        KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS="1000",
        KAFKA_HEAP_OPTS="-Xmx512m",
    )
    postgres = PostgresContainer(postgres_image, username="postgres", password="postgres", driver=None)
    postgres = postgres.with_command("postgres -c max_connections=200")

    def give_back() -> None:
        postgres.stop()
        kafka.stop()

    try:
        kafka.start()
        postgres.start()
        assert poll(lambda: kafka_cluster(port), SECONDS_MAX), "Kafka's container does not answer"
    except BaseException:
        give_back()
        raise
    return f"{host}:{port}", postgres.get_connection_url(), "containers", give_back
