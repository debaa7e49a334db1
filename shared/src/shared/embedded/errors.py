"""What can go wrong when servers start on a bare machine, each as one sentence that says what to do."""

from pathlib import Path

from shared.runtime.errors import StartupError


class EmbeddedError(StartupError):
    """A server of this machine could not be started, found or stopped."""


class PortTakenError(EmbeddedError):
    """A port that was asked for by name is in use by somebody else."""

    def __init__(self, server: str, port: int) -> None:
        super().__init__(
            f"{server} cannot use port {port} on 127.0.0.1 because another program has it: "
            "stop that program, give another port, or give none and a free one is taken"
        )


class DiskFullError(EmbeddedError):
    """No room is left where the data directory is."""

    def __init__(self, where: Path) -> None:
        super().__init__(
            f"The disk that holds {where} is full: free some space or give another --data directory"
        )


class NotPermittedError(EmbeddedError):
    """The user who runs this may not use a directory or file that is needed."""

    def __init__(self, where: Path, because: str) -> None:
        super().__init__(
            f"No permission for {where} ({because}): change its owner or give another --data directory"
        )


class RepositoryUnreachableError(EmbeddedError):
    """The jars of Kafka are not on this machine and cannot be fetched."""

    def __init__(self, repository: str, cache: Path, because: str) -> None:
        super().__init__(
            f"Kafka's jars are not in {cache} yet and the Maven repository {repository} is out of reach "
            f"({because}): "
            "connect once, name a mirror in ANXING_MAVEN_REPOSITORY, "
            "or give ANXING_KAFKA__BOOTSTRAP a running Kafka"
        )


class JavaMissingError(EmbeddedError):
    """No Java runtime fits this platform."""

    def __init__(self, platform: str) -> None:
        super().__init__(
            f"No Java 17 or newer was found for {platform}: install one (such as openjdk-17-jre-headless) "
            "and put it on the path or in JAVA_HOME, or give ANXING_KAFKA__BOOTSTRAP a running Kafka"
        )


class NotReadyError(EmbeddedError):
    """A server was started and ended, or did not answer before its deadline."""

    def __init__(self, server: str, what: str, log: Path, last_line: str) -> None:
        ending = f"; its last line: {last_line}" if last_line else ""
        super().__init__(f"{server} {what}, see {log}{ending}")


class CalledOffError(EmbeddedError):
    """Somebody pressed Ctrl-C, or the other server failed, while this one was starting."""

    def __init__(self, server: str) -> None:
        super().__init__(f"The start of {server} was called off")
