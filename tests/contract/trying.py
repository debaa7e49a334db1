"""`python -m tests.contract.trying --max-examples 500`: schemathesis, with all its checks, against intake."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.contract.served import served

ROOT = Path(__file__).parents[2]
CONFIG = Path(__file__).parent / "schemathesis.toml"
# Examples of the document, generated requests, and sequences of them. Its fourth phase makes one request for
# each keyword of each schema, which takes minutes with thirty-three types of events.
PHASES = "examples,fuzzing,stateful"


def attempt(*arguments: str) -> subprocess.CompletedProcess[str]:
    """One run with a valid key; what is given last counts."""
    program = Path(sys.executable).parent / "schemathesis"
    with served() as place, tempfile.TemporaryDirectory() as folder:
        command = [
            *(str(program), "--config-file", str(CONFIG), "run", f"{place.url}/openapi.json"),
            *("--header", f"Authorization: Bearer {place.key}", "--checks", "all", "--phases", PHASES),
            *("--generation-database", "none", *arguments),
        ]
        paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        environment = {**os.environ, "PYTHONPATH": paths, "PYTHONIOENCODING": "utf-8"}
        return subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )


if __name__ == "__main__":
    done = attempt(*sys.argv[1:])
    print(done.stdout + done.stderr)
    sys.exit(done.returncode)
