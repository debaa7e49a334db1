"""One real Kafka broker (KRaft, one node) on this machine."""

import base64
import shutil
import signal
import threading
import uuid
from collections.abc import Callable
from pathlib import Path

from shared.embedded import ports, probe
from shared.embedded.directory import DataDirectory
from shared.embedded.jars import class_path
from shared.embedded.java import find_java
from shared.embedded.launch import Program, launch, run_once
from shared.embedded.processes import ProcessMark, processes_in
from shared.embedded.running import Running

DEFAULT_PORT = 9092
HEAP_MAX = "512m"
_MAIN_CLASS = "kafka.Kafka"
# An event may have 1 MiB; the stamps, the headers and the framing of a batch come on top.
MESSAGE_BYTES_MAX = 2 * 1024 * 1024

# Kafka's own choice of collector, without the files it leaves in /tmp for monitoring tools.
_JVM = (
    "-XX:+UseG1GC",
    "-XX:MaxGCPauseMillis=20",
    "-XX:InitiatingHeapOccupancyPercent=35",
    "-XX:+ExitOnOutOfMemoryError",
    "-XX:-UsePerfData",
    "-Djava.awt.headless=true",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSX",
)

# Relative log.dirs: the directory may be moved, and may hold commas or characters that property files cannot.
_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller_port}
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller_port}
advertised.listeners=PLAINTEXT://{host}:{port}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={log_directory}
auto.create.topics.enable=false
message.max.bytes={message_bytes_max}
replica.fetch.max.bytes={message_bytes_max}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=4
group.initial.rebalance.delay.ms=0
# A killed broker is let in again when its earlier session has ended; the default of 9 s is for networks.
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
group.min.session.timeout.ms=1000
# The default of 128 MB is a quarter of the heap.
log.cleaner.dedupe.buffer.size=16777216
"""


class Kafka:
    """Finds, starts and names the broker of one data directory."""

    name = "kafka"
    title = "Kafka"
    stop_signal = signal.SIGTERM
    stop_seconds = 4.0

    def __init__(self, data: DataDirectory, on_download: Callable[[], None]) -> None:
        self._data = data
        self._on_download = on_download
        self._home = data.kafka
        self._log_directory = self._home / "log"
        self._properties = self._home / "server.properties"
        self._cluster = self._home / "cluster.id"
        self.log = data.logs / "kafka.log"

    def find(self) -> Running | None:
        """The broker that runs on this directory, whoever started it."""
        for mark in processes_in(self._home, name="java", having=_MAIN_CLASS):
            return Running(mark, self._port_in_use())
        return None

    def answers(self, running: Running) -> bool:
        """Whether the broker on that port serves clients and is the one of this directory."""
        return probe.kafka_cluster(running.port) == self._cluster.read_text().strip()

    def start(self, given: int | None, wished: int | None, cancelled: threading.Event) -> Running:
        """Starts the broker; formats its directory the first time.

        Errors: PortTakenError, PortLostError, JavaMissingError, RepositoryUnreachableError, DiskFullError,
        NotReadyError.
        """
        port = ports.choose(self.title, given, (wish for wish in (wished, DEFAULT_PORT) if wish))
        java = find_java()
        jars = class_path(self._on_download, cancelled)
        self._home.mkdir(exist_ok=True)
        self._properties.write_text(self._configuration(port, self._log_directory.name))
        if not self._log_directory.exists():
            self._format(java, jars, port)
        command = [str(java), f"-Xmx{HEAP_MAX}", f"-Xms{HEAP_MAX}", *_JVM, "-cp", jars]
        program = Program(
            server=self.title,
            command=[*command, _MAIN_CLASS, str(self._properties)],
            directory=self._home,
            log=self.log,
            stop_signal=self.stop_signal,
            stop_seconds=self.stop_seconds,
        )
        mark = launch(program, lambda: self.answers(Running(_NOBODY, port)), cancelled)
        return Running(mark, port)

    def _format(self, java: Path, jars: str, port: int) -> None:
        # Beside its final name, so that an interrupted format is never taken for a whole one.
        fresh = self._home / "log.new"
        shutil.rmtree(fresh, ignore_errors=True)
        self._cluster.write_text(base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("="))
        properties = self._home / "format.properties"
        properties.write_text(self._configuration(port, fresh.name))
        command = [str(java), "-Xmx128m", *_JVM, "-cp", jars, "kafka.tools.StorageTool", "format"]
        run_once(
            Program(
                server=self.title,
                command=[*command, f"--cluster-id={self._cluster.read_text()}", "--config", str(properties)],
                directory=self._home,
                log=self.log,
                stop_signal=self.stop_signal,
                stop_seconds=self.stop_seconds,
            )
        )
        fresh.rename(self._log_directory)

    def _configuration(self, port: int, log_directory: str) -> str:
        return _PROPERTIES.format(
            host=ports.LOOPBACK,
            port=port,
            controller_port=ports.any_free(),
            log_directory=log_directory,
            message_bytes_max=MESSAGE_BYTES_MAX,
        )

    def _port_in_use(self) -> int:
        for line in self._properties.read_text().splitlines():
            if line.startswith("advertised.listeners="):
                return int(line.rpartition(":")[2])
        return DEFAULT_PORT


# Readiness is asked by port before the broker has a mark.
_NOBODY = ProcessMark(0, 0.0)
