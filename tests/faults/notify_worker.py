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
from shared.runtime.errors import StartupError
from shared.runtime.logs import configure, get_logger
from shared.runtime.settings import DatabaseSettings, HttpSettings, KafkaSettings, LogSettings

log = get_logger()


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
    try:
        await service.start()
        stopping = asyncio.ensure_future(stop.wait())
        await asyncio.wait([stopping, service.fatal], return_when=asyncio.FIRST_COMPLETED)
    except StartupError as error:
        log.warning("not_started", reason=str(error))
        return 2
    finally:
        await service.stop()
    if service.fatal.done():
        log.warning("ended_by_itself", reason=service.fatal.result())
    return 1 if service.fatal.done() else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(work(json.loads(sys.argv[1]))))
