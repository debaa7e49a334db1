"""Which TCP port on the loopback address a server gets."""

import socket
from collections.abc import Iterable

from shared.embedded.errors import PortTakenError

LOOPBACK = "127.0.0.1"


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: connections of an earlier life in TIME_WAIT do not count, a listener does.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def any_free() -> int:
    """A port that nobody listens on now; another program may be quicker, so callers try again."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
    return port


def choose(server: str, given: int | None, wishes: Iterable[int] = ()) -> int:
    """The given port (PortTakenError when it is in use), or the first free one of the wishes, or any."""
    if given is not None:
        if not is_free(given):
            raise PortTakenError(server, given)
        return given
    return next((port for port in wishes if is_free(port)), None) or any_free()
