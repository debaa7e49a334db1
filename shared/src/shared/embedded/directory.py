"""The data directory of one installation: what lies where in it, its lock, and whether it can be used."""

import contextlib
import errno
import fcntl
import json
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from shared.embedded.errors import DiskFullError, EmbeddedError, NotPermittedError
from shared.embedded.processes import poll

DEFAULT = Path(".anxing")
# A new PostgreSQL cluster and Kafka's first segments need about 100 MB; below this neither runs well.
FREE_BYTES_MIN = 128 * 1024 * 1024
# The longest start of somebody else: a first download of the jars over a slow line.
LOCK_SECONDS_MAX = 300.0


class DataDirectory:
    """Paths and the start lock of one data directory; everything of the installation is inside it."""

    def __init__(self, path: Path) -> None:
        # Resolved: one directory has one name, whatever way leads to it.
        self.path = path.resolve()
        self.logs = self.path / "logs"
        self.kafka = self.path / "kafka"
        self.postgres = self.path / "postgres"
        self.postgres_password = self.path / "postgres.password"
        self.notify_key = self.path / "notify.key"
        self.notices = self.path / "notices"
        self.servers = self.path / "servers.json"
        self.run = self.path / "run.json"

    def prepare(self) -> None:
        """Creates what is missing; NotPermittedError or DiskFullError when it cannot be used."""
        with self.explained():
            self.logs.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.path):
                pass
            if shutil.disk_usage(self.path).free < FREE_BYTES_MIN:
                raise DiskFullError(self.path)

    @contextlib.contextmanager
    def explained(self) -> Iterator[None]:
        """Turns what the operating system refuses inside the directory into one sentence."""
        try:
            yield
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise DiskFullError(self.path) from error
            if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
                where = (
                    Path(os.fsdecode(error.filename))
                    if isinstance(error.filename, str | bytes)
                    else self.path
                )
                raise NotPermittedError(where, str(error.strerror).lower()) from error
            if error.errno in (errno.ENOTDIR, errno.EEXIST):
                raise EmbeddedError(
                    f"{self.path} cannot be a data directory: something else has that name"
                ) from error
            raise

    @contextlib.contextmanager
    def locked(self, cancelled: threading.Event | None = None) -> Iterator[None]:
        """Holds the start lock; the kernel frees it when a holder ends in any way, so it is never stale."""
        with self.explained(), (self.path / "lock").open("a") as file:
            wait_for_lock(file, f"another start in {self.path}", cancelled)
            yield


def wait_for_lock(file: IO[Any], holder: str, cancelled: threading.Event | None = None) -> None:
    """Takes an exclusive lock on an open file; EmbeddedError when its holder keeps it too long."""

    def take() -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    if not poll(take, LOCK_SECONDS_MAX, cancelled):
        raise EmbeddedError(
            f"Waited {LOCK_SECONDS_MAX:.0f} s in vain for {holder}: end that process and try again"
        )


def read_json(path: Path) -> dict[str, Any]:
    """What a file of ours says; empty when there is none or a crash left half of one."""
    try:
        content = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def write_json(path: Path, content: object, *, mode: int = 0o644) -> None:
    """Replaces a file as a whole: a reader sees the old content or the new, never a part."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w") as file:
        json.dump(content, file, indent=2, ensure_ascii=False)
        file.write("\n")
    fresh.replace(path)
