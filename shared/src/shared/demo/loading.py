"""Puts the district into a running system: registry, endpoints, then two years of facts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from shared.demo.district import District
from shared.demo.journal import Journal
from shared.demo.reading import Reading
from shared.demo.receiver import Receiver
from shared.demo.sender import Progress, Sender
from shared.demo.story import Story

ENDPOINTS_AT_ONCE = 8


async def load(
    story: Story,
    intake: str,
    key: str,
    journal: Journal,
    on_progress: Callable[[Progress], None],
) -> Progress:
    """Posts the whole story in its order; raises SendingFailed. What was answered is in the journal."""
    async with Sender(intake, key, on_progress=on_progress) as sender:
        try:
            await sender.send(story.registry)
            await sender.send(story.facts)
            return await sender.send(story.late_registry)
        finally:
            journal.note(sender.answered)


async def connect(district: District, reading: Reading, receiver: Receiver) -> int:
    """Gives every organisation a webhook at the receiver; answers how many.

    Webhooks of an earlier run lead to a receiver that is gone, and are switched off.
    """
    gate = asyncio.Semaphore(ENDPOINTS_AT_ONCE)

    async def switch_off(endpoint: str) -> None:
        async with gate:
            await reading.switch_off(endpoint)

    async def add(recipient: str) -> None:
        async with gate:
            receiver.secrets[recipient] = await reading.add_webhook(recipient, receiver.url_of(recipient))

    old = [each["id"] for each in await reading.endpoints() if each["state"] == "active"]
    await asyncio.gather(*(switch_off(endpoint) for endpoint in old))
    recipients = [f"company:{company.id}" for company in district.companies]
    recipients += [f"{organisation.kind}:{name}" for name, organisation in district.organisations]
    await asyncio.gather(*(add(recipient) for recipient in recipients))
    return len(recipients)
