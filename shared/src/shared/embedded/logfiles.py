"""Logs of the processes we start: kept to a size, and read for the one line that tells why one failed."""

from pathlib import Path

_BYTES_MAX = 64 * 1024
# Two files of this size per process are kept; a laptop runs for months.
KEPT_BYTES_MAX = 20 * 1024 * 1024


def rotate(log: Path) -> None:
    """Moves a log that has grown too large aside; called before a process that writes to it starts."""
    if size_of(log) > KEPT_BYTES_MAX:
        log.replace(log.with_name(f"{log.name}.1"))


def size_of(log: Path) -> int:
    """Where the next line will be written."""
    return log.stat().st_size if log.exists() else 0


def written_since(log: Path, offset: int) -> str:
    """What was written to the log after an offset, at most its last 64 KiB."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(offset, size_of(log) - _BYTES_MAX))
        return file.read().decode(errors="replace")


def telling_line(text: str) -> str:
    """The last line that names an error, or the last line at all; stack frames are passed over."""
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith(("at ", "... "))]
    errors = [line for line in lines if any(word in line for word in ("ERROR", "FATAL", "PANIC", "error:"))]
    return (errors or lines or [""])[-1][:300]


def is_disk_full(text: str) -> bool:
    """Whether the log says that the disk had no room."""
    return "No space left on device" in text


def is_port_taken(text: str) -> bool:
    """Whether the log says that another program had the port."""
    return "Address already in use" in text
