"""Another user of this machine, for what only root can try out."""

import contextlib
import os
import pwd
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

ENTRY = pwd.getpwnam("nobody")


@cache
def python() -> str:
    """A Python of this version that the other user may run: ours may lie in a home that is closed."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for candidate in (sys.executable, shutil.which(name, path="/usr/bin:/usr/local/bin")):
        with contextlib.suppress(PermissionError):
            if candidate and run([candidate, "-c", "import psutil, jgo"]).returncode == 0:
                return candidate
    raise AssertionError(f"no {name} on this machine can be run by another user")


def run(command: list[str], **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs a command as the other user, with the packages of this environment."""
    here = [str(path) for path in map(Path, sys.path) if path.name in ("site-packages", "src")]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(here), **variables}
    as_other: dict[str, Any] = {"user": ENTRY.pw_uid, "group": ENTRY.pw_gid, "extra_groups": []}
    return subprocess.run(
        command,
        env=environment,
        cwd="/",
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        **as_other,
    )


def give(directory: Path) -> None:
    """Makes the other user the owner of a directory and all that is in it."""
    for path in (directory, *directory.rglob("*")):
        os.chown(path, ENTRY.pw_uid, ENTRY.pw_gid)
