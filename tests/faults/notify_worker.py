"""One notify process beside the scoring that is hurt: the real service; servers are taken from it too."""

import asyncio
import json
import signal
import sys
from typing import Any

from notify.app import NotifyService
from notify.sealing import new_key
from notify.settings import NotifySettings, Settings
from pydantic import SecretStr
from shared.runtime.logs import configure
from shared.runtime.settings import DatabaseSettings, HttpSettings, KafkaSettings, LogSettings

from tests.faults.serving import serve


async def work(given: dict[str, Any]) -> int:
    configure(LogSettings(format="json"), service=given["name"])
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    service = NotifyService(
        Settings(
            kafka=KafkaSettings.model_validate(given["kafka"]),
            database=DatabaseSettings(url=given["url"], pool_max=4),
            http=HttpSettings(port=0),
            notify=NotifySettings(encryption_key=SecretStr(new_key())),
        )
    )
    return await serve(service, stop)


if __name__ == "__main__":
    sys.exit(asyncio.run(work(json.loads(sys.argv[1]))))
