"""What makes a process ready: named checks, each a cheap look at something already known."""

from __future__ import annotations

from collections.abc import Callable, Mapping

# Answers whether the part works right now; never waits and never raises.
Check = Callable[[], bool]


class Readiness:
    """The checks of one process. Liveness is apart: a process that answers at all is alive."""

    def __init__(self, checks: Mapping[str, Check] | None = None) -> None:
        self._checks: dict[str, Check] = dict(checks or {})

    def add(self, name: str, check: Check) -> None:
        """Add a check; `name` is shown to whoever asks, so it names a part and holds no address."""
        self._checks[name] = check

    def failing(self) -> list[str]:
        """Names of the checks that fail now; ready means none."""
        return [name for name, check in self._checks.items() if not check()]
