"""Whether the server that listens on a port answers for real: a few bytes of each one's own protocol."""

import socket
import struct

from shared.embedded.ports import LOOPBACK

_TIMEOUT_SECONDS = 2.0
_METADATA, _METADATA_VERSION = 3, 2


def kafka_cluster(port: int) -> str | None:
    """The cluster id of the broker on a port once it serves clients, else None.

    Asks for Metadata (version 2) of no topics: the answer lists the brokers that are registered and unfenced.
    """
    client = b"anxing"
    body = struct.pack(">hhih", _METADATA, _METADATA_VERSION, 1, len(client)) + client + struct.pack(">i", 0)
    try:
        with socket.create_connection((LOOPBACK, port), timeout=_TIMEOUT_SECONDS) as connection:
            connection.sendall(struct.pack(">i", len(body)) + body)
            size = struct.unpack(">i", _exactly(connection, 4))[0]
            return _cluster_of(_exactly(connection, min(size, 65536))[4:])
    except (OSError, struct.error, EOFError, UnicodeDecodeError):
        return None


def postgres_answers(port: int) -> bool:
    """Whether the PostgreSQL on a port accepts clients: it asks for a password instead of an error."""
    parameters = b"user\0postgres\0database\0postgres\0\0"
    start = struct.pack(">ii", 8 + len(parameters), 196608) + parameters
    try:
        with socket.create_connection((LOOPBACK, port), timeout=_TIMEOUT_SECONDS) as connection:
            connection.sendall(start)
            return _exactly(connection, 1) == b"R"
    except (OSError, EOFError):
        return False


def _cluster_of(answer: bytes) -> str | None:
    (brokers,) = struct.unpack_from(">i", answer)
    at = 4
    for _ in range(brokers):
        at += 4  # node id
        _, at = _string(answer, at)  # host
        at += 4  # port
        _, at = _string(answer, at)  # rack
    cluster, _ = _string(answer, at)
    return cluster if brokers else None


def _string(answer: bytes, at: int) -> tuple[str | None, int]:
    (length,) = struct.unpack_from(">h", answer, at)
    at += 2
    return (None, at) if length < 0 else (answer[at : at + length].decode(), at + length)


def _exactly(connection: socket.socket, count: int) -> bytes:
    received = b""
    while len(received) < count:
        part = connection.recv(count - len(received))
        if not part:
            raise EOFError
        received += part
    return received
