"""Keys on the real access topic: everywhere within moments."""

from datetime import UTC, datetime

import pytest
from shared.events.access import AccessScope, ClockObserved, CredentialIssued, CredentialRevoked
from shared.events.encode import encode_event
from shared.events.topics import ACCESS
from shared.runtime.auth import Directory, Unauthorised, issue_key
from shared.runtime.clock import SystemClock
from shared.runtime.errors import StartupError
from shared.runtime.metrics import Metrics
from shared.runtime.producer import RecordProducer
from shared.runtime.settings import KafkaSettings

from tests.eventually import eventually

NOW = datetime.now(UTC)


class Access:
    """Writes the access topic as intake does."""

    def __init__(self, kafka: KafkaSettings, producer: RecordProducer) -> None:
        self.topic = kafka.name_of(ACCESS)
        self.producer = producer

    async def issue(self, credential_id: str) -> tuple[str, CredentialIssued]:
        key, issued = issue_key(
            credential_id=credential_id,
            actor_id="anna",
            roles=["guard"],
            scope=AccessScope(everything=True),
            valid_from=NOW,
        )
        await self.write("credential.issued", credential_id, issued, key=f"credential:{credential_id}")
        return f"Bearer {key}", issued

    async def revoke(self, issued: CredentialIssued) -> None:
        data = CredentialRevoked(credential_id=issued.credential_id, revoked_at=NOW, credential=issued)
        key = f"credential:{issued.credential_id}"
        await self.write("credential.revoked", issued.credential_id, data, key=key)

    async def write(self, kind: str, subject: str, data, *, key: str) -> None:
        event = encode_event(
            id="01890f5a-0000-7000-8000-000000000001",
            source="urn:anxing:intake",
            type=f"anxing.{kind}.v1",
            subject=subject,
            time=NOW,
            receivedtime=NOW,
            data=data,
        )
        await self.producer.send(self.topic, event, key=key.encode())


@pytest.fixture
async def access(kafka: KafkaSettings):
    producer = RecordProducer(kafka, SystemClock(), Metrics("test"))
    await producer.start()
    yield Access(kafka, producer)
    await producer.stop()


@pytest.fixture
async def start(kafka: KafkaSettings):
    started: list[Directory] = []

    async def begin() -> Directory:
        directory = Directory(kafka, clock=SystemClock(), metrics=Metrics("test"))
        await directory.start()
        started.append(directory)
        return directory

    yield begin
    for directory in started:
        await directory.stop()


def code(directory: Directory, header: str) -> str:
    try:
        directory.authenticate(header)
    except Unauthorised as error:
        return error.code
    return "in"


async def test_what_was_issued_before_the_start_is_known_at_once(access, start):
    keys = [(await access.issue(f"k{number}"))[0] for number in range(20)]

    directory = await start()

    assert [code(directory, key) for key in keys] == ["in"] * 20
    assert directory.ready


async def test_an_empty_topic_is_no_reason_to_wait(start):
    directory = await start()

    assert directory.ready
    assert directory.newest_received is None


async def test_keys_work_and_stop_everywhere_while_processes_run(access, start):
    directories = [await start() for _ in range(3)]

    key, issued = await access.issue("gate")
    await eventually(lambda: all(code(each, key) == "in" for each in directories), 5)

    await access.revoke(issued)
    await eventually(lambda: all(code(each, key) == "revoked" for each in directories), 5)


async def test_rubbish_and_tombstones_on_the_topic_harm_nobody(access, start):
    for value in (b"rubbish", None, b'{"specversion":"1.0"}'):
        await access.producer.send(access.topic, value, key=b"credential:other")
    key, _ = await access.issue("gate")

    assert code(await start(), key) == "in"


async def test_a_quiet_system_learns_that_time_passes(access, start):
    directory = await start()

    await access.write("clock.observed", "clock", ClockObserved(observed_at=NOW), key="clock")

    await eventually(lambda: directory.newest_received == NOW)


async def test_a_topic_that_cannot_be_read_is_one_sentence(kafka):
    nowhere = kafka.model_copy(update={"bootstrap": "127.0.0.1:1", "connect_deadline_seconds": 0.5})

    with pytest.raises(StartupError, match=r"^The topic .* at 127\.0\.0\.1:1 cannot be read: start Kafka"):
        await Directory(nowhere, clock=SystemClock(), metrics=Metrics("test")).start()
