"""Logs: few events with static names, data as data, one formatter for our records and the libraries'."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any, TextIO

import stamina.instrumentation
import structlog
from structlog.tracebacks import ExceptionDictTransformer
from structlog.types import EventDict, Processor

from shared.runtime.settings import LogSettings

# Libraries speak only when something is wrong; what they say at INFO, we count as metrics.
QUIET_LOGGERS = (
    "aiokafka",
    "alembic",
    "asyncio",
    "asyncpg",
    "faststream",
    "httpx",
    "kafka",
    "sqlalchemy",
    "stamina",
    "urllib3",
    "uvicorn",
    "uvicorn.access",
    "uvicorn.error",
    "litestar",
)
# While a broker is away aiokafka says so forty times a second; the same message counts once in this time.
REPEAT_AFTER_SECONDS = 60.0
# What a client logs besides raising it, and we tell in our own words.
SAID_BY_US = frozenset({'Unable connect to "%s:%s": %s'})
# Without local variables: they hold keys, passwords and narrative.
TRACEBACKS = structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False))


def configure(settings: LogSettings, *, service: str, stream: TextIO | None = None) -> None:
    """Send every record of this process to standard error, once and in one form.

    `json` is one object a line with `timestamp`, `level`, `event`, `service`; `console` is key=value with
    colours; `auto` takes the console in a terminal. Call it once, first thing in a process.
    """
    out = stream or sys.stderr
    as_json = settings.format == "json" or (settings.format == "auto" and not out.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _adds(service),
    ]
    rendering: list[Processor] = (
        [
            TRACEBACKS,
            structlog.processors.JSONRenderer(serializer=_dumps, default=str),
        ]
        if as_json
        else [
            structlog.dev.ConsoleRenderer(
                colors=out.isatty(), exception_formatter=structlog.dev.plain_traceback
            )
        ]
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
        )
    )
    handler.addFilter(_NotAgain())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.level.upper())
    for name in QUIET_LOGGERS:
        library = logging.getLogger(name)
        library.handlers.clear()
        library.propagate = True
        library.setLevel(logging.WARNING)
    # Who retries says so itself, once; a line for each try of each caller drowns the rest.
    stamina.instrumentation.set_on_retry_hooks([])
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def get_logger(name: str = "anxing") -> structlog.stdlib.BoundLogger:
    """A logger; events are static names in snake case, everything that varies is a keyword."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger


class _NotAgain(logging.Filter):
    """Drops what a library has said within the last minute; values filled in do not count."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        # Our own records carry a dict, which structlog renders; only strangers are filtered.
        if not isinstance(record.msg, str) or record.levelno >= logging.CRITICAL:
            return True
        if record.msg in SAID_BY_US:
            return False
        key = (record.name, record.msg)
        last = self._said.get(key)
        if last is not None and record.created - last < REPEAT_AFTER_SECONDS:
            return False
        if len(self._said) >= 1_000:
            self._said.clear()
        self._said[key] = record.created
        return True


def _adds(service: str) -> Processor:
    def add(_logger: Any, _method: str, event: EventDict) -> EventDict:
        event.setdefault("service", service)
        return event

    return add


def _dumps(event: EventDict, **options: Any) -> str:
    return json.dumps(event, ensure_ascii=False, separators=(",", ":"), **options)
