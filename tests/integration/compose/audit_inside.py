"""Runs in a container of the network, where Kafka and PostgreSQL are: the demo's audit, told as JSON.

Standard input holds the identities of all events that were answered 2xx.
"""

import asyncio
import json
import sys

from shared.demo.audit.evidence import judge
from shared.demo.audit.reader import gather_evidence
from shared.runtime.settings import ClientSettings, load


async def main() -> None:
    answered = {(source, name) for source, name in json.load(sys.stdin)}
    databases = {name: f"postgresql://{name}:{name}@postgres:5432/{name}" for name in ("scoring", "notify")}
    verdict = judge(await gather_evidence(load(ClientSettings).kafka, databases, answered))
    print(json.dumps({"findings": [str(each) for each in verdict.findings], **verdict.figures}))


asyncio.run(main())
