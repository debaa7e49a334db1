"""What prevents a start is told in one sentence, with exit code 2 and no traceback, by every service."""

import asyncio
import base64
import os
import socket
import sys
from dataclasses import dataclass, field

import pytest
from shared.events.topics import FACTS
from shared.runtime.settings import KafkaSettings

NOBODY_HOME = "127.0.0.1:1"
SECRET = "geheim"


@dataclass
class Start:
    """The start of a service in a process of its own, with settings that are right until changed."""

    service: str
    variables: dict[str, str] = field(default_factory=dict)

    async def refusal(self, verb: str = "serve") -> str:
        """The sentence; asserts that there is nothing else."""
        surroundings = {key: value for key, value in os.environ.items() if not key.startswith("ANXING_")}
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            self.service,
            verb,
            env={**surroundings, **self.variables},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            out, err = await asyncio.wait_for(process.communicate(), 60)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        said = err.decode()
        assert process.returncode == 2, said
        assert out == b""
        lines = said.splitlines()
        assert len(lines) == 1, said
        assert lines[0].endswith(".")
        assert "Traceback" not in said
        assert SECRET not in said
        return lines[0]


@pytest.fixture
async def starts(kafka: KafkaSettings, make_database) -> list[Start]:
    """The three services, side by side, because most of the time is their loading."""
    return [
        Start(
            service,
            {
                "ANXING_KAFKA__BOOTSTRAP": kafka.bootstrap,
                "ANXING_KAFKA__PARTITIONS": str(kafka.partitions),
                "ANXING_KAFKA__TOPIC_PREFIX": kafka.topic_prefix,
                "ANXING_KAFKA__CONNECT_DEADLINE_SECONDS": "1",
                "ANXING_DATABASE__URL": await make_database(service),
                "ANXING_DATABASE__CONNECT_DEADLINE_SECONDS": "1",
                "ANXING_NOTIFY__ENCRYPTION_KEY": base64.b64encode(bytes(32)).decode(),
                "ANXING_HTTP__PORT": "0",
            },
        )
        for service in ("intake", "scoring", "notify")
    ]


async def refusals(starts: list[Start], verb: str = "serve", **variables: str) -> dict[str, str]:
    """The sentence of each service when these variables are other than right."""
    for start in starts:
        start.variables |= variables
    sentences = await asyncio.gather(*(start.refusal(verb) for start in starts))
    return {start.service: sentence for start, sentence in zip(starts, sentences, strict=True)}


async def test_a_wrong_setting(starts):
    for sentence in (await refusals(starts, ANXING_KAFKA__PARTITIONS=SECRET)).values():
        assert sentence.startswith("ANXING_KAFKA__PARTITIONS must be a valid integer")


@pytest.mark.parametrize("verb", ["serve", "migrate"])
async def test_a_missing_database_server(starts, verb):
    url = f"postgresql://anna:{SECRET}@{NOBODY_HOME}/anxing"

    for sentence in (await refusals(starts, verb, ANXING_DATABASE__URL=url)).values():
        assert sentence == (
            f"The database at {NOBODY_HOME}/anxing does not answer: start it, or correct "
            "ANXING_DATABASE__URL."
        )


async def test_a_missing_broker(starts):
    for sentence in (await refusals(starts, ANXING_KAFKA__BOOTSTRAP=NOBODY_HOME)).values():
        assert sentence == (
            f"Kafka at {NOBODY_HOME} does not answer: start it, or correct ANXING_KAFKA__BOOTSTRAP."
        )


async def test_an_old_schema(starts, make_database):
    empty = await make_database(None)

    for service, sentence in (await refusals(starts, ANXING_DATABASE__URL=empty)).items():
        assert sentence.startswith(f"The database of {service} is at revision none but this program needs")
        assert sentence.endswith(f"run `{service} migrate`.")


async def test_another_partition_count(starts, kafka):
    for sentence in (await refusals(starts, ANXING_KAFKA__PARTITIONS="24")).values():
        assert sentence.startswith(
            f"The topic {kafka.name_of(FACTS)} has {kafka.partitions} partitions but "
            "ANXING_KAFKA__PARTITIONS asks for 24"
        )


async def test_missing_topics(starts, kafka):
    elsewhere = f"{kafka.topic_prefix}other."

    for sentence in (await refusals(starts, ANXING_KAFKA__TOPIC_PREFIX=elsewhere)).values():
        assert sentence.startswith(f"The topic {elsewhere}anxing.facts.v1 is missing at {kafka.bootstrap}")


async def test_a_taken_port(starts):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])

        for sentence in (await refusals(starts, ANXING_HTTP__PORT=port)).values():
            assert sentence.startswith(f"Port {port} of 127.0.0.1 cannot be used")
            assert "ANXING_HTTP__PORT" in sentence
