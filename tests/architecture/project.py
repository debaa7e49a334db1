"""The files of the project as a reader of a clone sees them."""

import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
_DOTTED = {".ci", ".dockerignore", ".env.example", ".gitignore"}
_BINARY = {".png", ".jpg", ".ico", ".woff2", ".gz", ".pdf", ".xlsx"}


@cache
def files() -> tuple[Path, ...]:
    """Every file under version control, and those about to be, relative to the root."""
    return tuple(sorted(path for path in _listed() if (ROOT / path).is_file()))


def _listed() -> list[Path]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except (FileNotFoundError, subprocess.CalledProcessError):
        # An archive without history, or a machine without git: what is no part of it begins with a dot.
        found = (path.relative_to(ROOT) for path in ROOT.rglob("*"))
        kept = (path for path in found if path.parts[0] in _DOTTED or not path.parts[0].startswith("."))
        return [path for path in kept if "__pycache__" not in path.parts and path.parts[0] != "dist"]
    return [Path(name) for name in listed.stdout.split("\0") if name]


@cache
def texts() -> dict[Path, str]:
    """Those that are text, with what they say."""
    return {path: (ROOT / path).read_text(encoding="utf-8") for path in files() if path.suffix not in _BINARY}


def sources() -> dict[Path, str]:
    """Python modules of the product: neither tests nor migrations."""
    return {path: text for path, text in texts().items() if path.suffix == ".py" and "src" in path.parts}
