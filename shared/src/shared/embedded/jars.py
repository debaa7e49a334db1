"""Kafka's jars: resolved once, kept where every Maven tool keeps them, always whole."""

import os
import shutil
import threading
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from shared.embedded.directory import read_json, wait_for_lock, write_json
from shared.embedded.errors import DiskFullError, EmbeddedError, RepositoryUnreachableError

KAFKA_VERSION = "4.3.1"
# A logger that writes to standard error and needs no configuration file.
COORDINATES = (f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}", "org.slf4j:slf4j-simple:1.7.36")
REPOSITORY_VARIABLE = "ANXING_MAVEN_REPOSITORY"
REQUEST_SECONDS_MAX = 20
_AT_ONCE = 6
_STAGING = ".anxing-staging"


@dataclass(frozen=True, slots=True)
class _Places:
    """The local Maven repository, the list of Kafka's jars in it, and where missing ones are fetched."""

    kept: Path
    known: Path
    repositories: dict[str, str]

    @property
    def repository(self) -> str:
        return next(reversed(self.repositories.values()))


def class_path(on_download: Callable[[], None], cancelled: threading.Event | None = None) -> str:
    """The class path of Kafka; fetches what is missing first and calls `on_download` before it does.

    Errors: RepositoryUnreachableError (only when something is missing), DiskFullError, EmbeddedError.
    """
    places = _places()
    try:
        places.known.parent.mkdir(parents=True, exist_ok=True)
        with places.known.with_suffix(".lock").open("a") as file:
            wait_for_lock(file, f"another download of Kafka into {places.kept}", cancelled)
            jars = _cached(places) or _fetched(places, on_download)
    except OSError as error:
        if "No space left" in str(error):
            raise DiskFullError(places.kept) from error
        raise EmbeddedError(
            f"Kafka's jars cannot be kept in {places.kept} ({error}): set M2_REPO and JGO_CACHE_DIR"
        ) from error
    return os.pathsep.join(str(jar) for jar in jars)


def are_cached() -> bool:
    """Whether Kafka can start without fetching anything."""
    return _cached(_places()) is not None


def repository_answers() -> tuple[bool, str]:
    """Whether the Maven repository can be reached now, and its address."""
    import requests  # noqa: PLC0415 - comes with jgo, needed here only

    repository = _places().repository
    try:
        return requests.head(repository, timeout=5, allow_redirects=True).status_code < 500, repository
    except requests.RequestException:
        return False, repository


def _places() -> _Places:
    # Imported here as below: most verbs never need it, and it takes a while.
    from jgo.config import GlobalSettings  # noqa: PLC0415
    from jgo.constants import MAVEN_CENTRAL_URL  # noqa: PLC0415

    settings = GlobalSettings.load()
    mirror = os.environ.get(REPOSITORY_VARIABLE)
    repositories = {"mirror": mirror} if mirror else {"central": MAVEN_CENTRAL_URL, **settings.repositories}
    known = Path(settings.cache_dir) / f"anxing-kafka-{KAFKA_VERSION}.json"
    return _Places(Path(settings.repo_cache), known, repositories)


def _cached(places: _Places) -> list[Path] | None:
    """The jars of an earlier resolution, or None when there was none or one of them is gone or broken."""
    names = read_json(places.known).get("jars")
    jars = [places.kept / name for name in names] if isinstance(names, list) else []
    # The directory of a zip file is at its end: a download that was cut off has none.
    return jars if jars and all(zipfile.is_zipfile(jar) for jar in jars) else None


def _fetched(places: _Places, on_download: Callable[[], None]) -> list[Path]:
    """Downloads beside the local repository, moves whole files into it, and writes the list last.

    jgo writes a download straight to its final name and trusts any file that has it, so that one that was
    killed would break every later start. Its environments are left out: they would fetch a second Java, to
    sort jars that we need unsorted.
    """
    from requests import RequestException  # noqa: PLC0415 - comes with jgo

    kept, staging = places.kept, places.kept / _STAGING
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    on_download()
    try:
        found = _resolved(places, staging)
    except (RequestException, RuntimeError) as error:
        raise RepositoryUnreachableError(places.repository, kept, _reason(error)) from error
    for broken in (jar for jar in found if not zipfile.is_zipfile(jar)):
        raise EmbeddedError(f"{broken} is broken: delete that file and start again")
    jars = [kept / jar.relative_to(staging) if jar.is_relative_to(staging) else jar for jar in found]
    for file in [path for path in staging.rglob("*") if path.is_file()]:
        final = kept / file.relative_to(staging)
        final.parent.mkdir(parents=True, exist_ok=True)
        file.replace(final)
    shutil.rmtree(staging, ignore_errors=True)
    write_json(places.known, {"jars": [str(jar.relative_to(kept)) for jar in jars]})
    return jars


def _resolved(places: _Places, staging: Path) -> list[Path]:
    """Kafka's jars with all they need at run time: from the local repository, else into the staging one."""
    from jgo.maven import MavenContext  # noqa: PLC0415
    from jgo.parse import Coordinate  # noqa: PLC0415

    context = MavenContext(
        repo_cache=staging,
        local_repos=[places.kept],
        remote_repos=places.repositories,
        timeout=REQUEST_SECONDS_MAX,
    )
    wanted = [replace(Coordinate.parse(text), scope="compile") for text in COORDINATES]
    inputs, others = context.resolver.resolve([context.create_dependency(each) for each in wanted])
    needed = [*inputs, *(each for each in others if each.scope in ("compile", "runtime"))]
    artifacts = {each.artifact.key: each.artifact for each in needed}
    with ThreadPoolExecutor(_AT_ONCE) as side_by_side:
        return list(side_by_side.map(lambda artifact: artifact.resolve(), artifacts.values()))


def _reason(error: Exception) -> str:
    """The innermost cause in a few words: the outer ones repeat whole addresses."""
    innermost: BaseException = error
    while (inner := innermost.__cause__ or innermost.__context__) is not None:
        innermost = inner
    return str(innermost).split("\n", maxsplit=1)[0][:120] or type(innermost).__name__
