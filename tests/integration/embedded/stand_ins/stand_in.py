"""A service as `anxing up` sees one: verbs, a port from the environment, readiness, an orderly end.

It misbehaves where a file of that name lies in the directory that ANXING_STAND_IN names:
`<service>.refuses` ends at once with a sentence, `<service>.hangs` ignores SIGTERM.
"""

import json
import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


def main(service: str) -> None:
    wishes = Path(os.environ.get("ANXING_STAND_IN", "/nonexistent"))
    if (wishes / f"{service}.refuses").exists():
        sys.exit(f"ANXING_RUBRIC must name a rubric: {service} cannot start.")
    if sys.argv[1] == "migrate":
        return
    if sys.argv[1] == "keys":
        print(json.dumps({"id": "local", "key": f"ax_local_{os.getpid()}"}))
        return
    if (wishes / f"{service}.hangs").exists():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    else:
        signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["ANXING_HTTP__PORT"])), _Answers).serve_forever()


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b'{"partitions": [{"topic": "t", "partition": 0, "cursor": 3, "end": 10}]}'
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""
