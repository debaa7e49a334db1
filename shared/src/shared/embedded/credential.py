"""The local key: issued by intake's own verb, kept in `run.json`, used again while the services accept it."""

import asyncio
import json
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Iterable, Mapping

import aiohttp

from shared.embedded.errors import EmbeddedError
from shared.embedded.services import command

# A key issued while services start reaches them through the access topic, within milliseconds.
ACCEPTED_SECONDS_MAX = 15.0
# Any route that asks for a key will do: these exist for clients that look around.
_ASKS_FOR_A_KEY = {"intake": "/v1/schemas", "scoring": "/v1/rubrics", "notify": "/v1/progress"}


async def issue(environment: Mapping[str, str]) -> str:
    """A new key with all roles and the right to bring old facts; EmbeddedError with what the verb said."""
    process = await asyncio.create_subprocess_exec(
        *command("intake", "keys", "issue", "--json", "--id", "local", "--all-roles", "--right", "backfill"),
        env=dict(environment),
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
    )
    output, errors = await process.communicate()
    try:
        key = json.loads(output)["key"]
    except (ValueError, KeyError, TypeError):
        key = None
    if process.returncode != 0 or not isinstance(key, str):
        said = (errors or output).decode(errors="replace").strip().splitlines()
        raise EmbeddedError(f"intake did not issue the local key: {said[-1] if said else 'it said nothing'}")
    return key


async def accepted_by_all(credential: str, replicas: Iterable[tuple[str, str]], seconds: float) -> bool:
    """Whether every (service, base URL) takes the key, before the seconds are over."""
    headers = {"Authorization": f"Bearer {credential}"}
    timeout = aiohttp.ClientTimeout(total=5)
    try:
        async with (
            asyncio.timeout(seconds),
            aiohttp.ClientSession(headers=headers, timeout=timeout) as client,
        ):
            for service, url in replicas:
                while True:
                    async with client.get(url + _ASKS_FOR_A_KEY[service]) as answer:
                        if answer.status == 200:
                            break
                    await asyncio.sleep(0.05)
    except (TimeoutError, aiohttp.ClientError):
        return False
    return True
