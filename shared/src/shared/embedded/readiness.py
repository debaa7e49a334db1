"""Whether a service answers that it is ready, asked the way any orchestrator asks."""

import asyncio
from urllib.parse import urlsplit

_SECONDS_MAX = 2.0


async def is_ready(url: str) -> bool:
    """Whether `/readyz` answers 200 now.

    Plain HTTP/1.1 over a socket: it is asked twenty times a second while services start, and an HTTP client
    would cost more than they do.
    """
    parts = urlsplit(url)
    try:
        async with asyncio.timeout(_SECONDS_MAX):
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
            try:
                writer.write(
                    f"GET /readyz HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n".encode()
                )
                await writer.drain()
                status = await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False
    return status.split()[1:2] == [b"200"]
