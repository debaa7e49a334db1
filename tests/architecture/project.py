"""The files of the project as a reader of a clone sees them."""

import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
_BINARY = {".png", ".jpg", ".ico", ".woff2", ".gz", ".pdf", ".xlsx"}


@cache
def files() -> tuple[Path, ...]:
    """Every file under version control, and those about to be, relative to the root."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    names = (Path(name) for name in listed.stdout.split("\0") if name)
    return tuple(sorted(path for path in names if (ROOT / path).is_file()))


@cache
def texts() -> dict[Path, str]:
    """Those that are text, with what they say."""
    return {path: (ROOT / path).read_text(encoding="utf-8") for path in files() if path.suffix not in _BINARY}


def sources() -> dict[Path, str]:
    """Python modules of the product: neither tests nor migrations."""
    return {path: text for path, text in texts().items() if path.suffix == ".py" and "src" in path.parts}
