"""The guard of outgoing connections: judges the address that a socket is about to connect to.

Names are not judged: what a name means can change between a check and the connection. aiohttp asks for a
socket once for every address it tries, also for addresses written in the URL.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import Any, Final

from notify.domain.addresses import Network, is_inside, may_connect, parse
from notify.metrics import NotifyMetrics

AddrInfo = tuple[Any, Any, int, str, tuple[Any, ...]]


REFUSAL: Final = "notices must not go to this address"


class ForbiddenAddressError(OSError):
    """The receiver's name leads to an address where notices must not go."""

    def __init__(self) -> None:
        super().__init__(REFUSAL)


class Guard:
    """Makes sockets for allowed addresses only; `allowed` networks and `ports` come from the settings."""

    def __init__(self, allowed: Sequence[Network], ports: frozenset[int], metrics: NotifyMetrics) -> None:
        self._allowed = tuple(allowed)
        self._ports = ports
        self._metrics = metrics

    def make_socket(self, info: AddrInfo) -> socket.socket:
        """A socket for one resolved address; raises ForbiddenAddressError before anything is sent."""
        family, kind, protocol, _, address = info
        host, port = str(address[0]), int(address[1])
        own = is_inside(parse(host), self._allowed)
        if not own and (port not in self._ports or not may_connect(host, ())):
            self._metrics.forbidden.inc()
            raise ForbiddenAddressError
        return socket.socket(family, kind, protocol)

    def is_own(self, host: str) -> bool:
        """Whether a host written as an address lies in an allowed network; plain HTTP may go only there."""
        try:
            return is_inside(parse(host), self._allowed)
        except ValueError:
            return False
