"""How often each device may knock: a short burst, a steady rate, and a reserve for who was away for long.

A phone that was offline for a shift comes back with everything it wrote down: its reserve lets that in as
fast as it can send. The reserve fills again over hours, so that nobody lives on it.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a device may do.

    `burst` requests at once, of which `per_second` come back with time; and besides those `reserve` requests,
    which are all there again after `reserve_seconds`.
    """

    burst: int
    per_second: float
    reserve: int
    reserve_seconds: float


@dataclass(slots=True)
class _Purse:
    """What a device has left, as of `at` (monotonic seconds)."""

    burst: float
    reserve: float
    at: float


class Rates:
    """The devices of one process, each with what it has left; forgets the longest silent beyond a bound.

    Who is not remembered has everything, because it was silent: to be forgotten gives no more than waiting.
    """

    def __init__(self, allowance: Allowance, *, remembered_max: int) -> None:
        self._allowance = allowance
        self._remembered_max = remembered_max
        self._purses: OrderedDict[str, _Purse] = OrderedDict()

    def __len__(self) -> int:
        return len(self._purses)

    def wait_seconds(self, device: str, now: float) -> float:
        """Take one request from what the device has left, at a monotonic `now`: 0.0 when there was one.

        Else the seconds until there is one; nothing is taken then.
        """
        allowance = self._allowance
        purse = self._purses.get(device)
        if purse is None:
            purse = self._purses[device] = _Purse(allowance.burst, allowance.reserve, now)
            if len(self._purses) > self._remembered_max:
                self._purses.popitem(last=False)
        else:
            self._purses.move_to_end(device)
            elapsed = now - purse.at
            purse.at = now
            purse.burst = min(allowance.burst, purse.burst + elapsed * allowance.per_second)
            gained = elapsed * allowance.reserve / allowance.reserve_seconds
            purse.reserve = min(allowance.reserve, purse.reserve + gained)
        if purse.burst >= 1:
            purse.burst -= 1
        elif purse.reserve >= 1:
            purse.reserve -= 1
        else:
            return (1 - purse.burst) / allowance.per_second
        return 0.0
