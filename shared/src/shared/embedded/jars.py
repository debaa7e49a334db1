"""Kafka's jars: resolved from a Maven repository once, kept where jgo keeps them, always whole."""

import contextlib
import os
import shutil
import threading
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from shared.embedded.directory import wait_for_lock
from shared.embedded.errors import DiskFullError, EmbeddedError, RepositoryUnreachableError

KAFKA = "org.apache.kafka:kafka_2.13:4.3.1+org.slf4j:slf4j-simple:1.7.36"
REPOSITORY_VARIABLE = "ANXING_MAVEN_REPOSITORY"
_STAGING = ".anxing-staging"


@dataclass(frozen=True, slots=True)
class _Places:
    """Where jgo keeps resolved sets of jars and downloaded files, and where it fetches from."""

    cache: Path
    kept: Path
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
        places.cache.mkdir(parents=True, exist_ok=True)
        with (places.cache / "anxing.lock").open("a") as file:
            wait_for_lock(file, f"another download of Kafka into {places.cache}", cancelled)
            jars = _cached(places) or _fetched(places, on_download)
    except OSError as error:
        if "No space left" in str(error):
            raise DiskFullError(places.cache) from error
        raise EmbeddedError(
            f"Kafka's jars cannot be kept in {places.cache} ({error}): set JGO_CACHE_DIR and M2_REPO"
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
    # Imported here as everywhere below: most verbs never need it, and it takes a while.
    from jgo.config import GlobalSettings  # noqa: PLC0415
    from jgo.constants import MAVEN_CENTRAL_URL  # noqa: PLC0415

    settings = GlobalSettings.load()
    mirror = os.environ.get(REPOSITORY_VARIABLE)
    repositories = {"mirror": mirror} if mirror else {"central": MAVEN_CENTRAL_URL, **settings.repositories}
    return _Places(Path(settings.cache_dir), Path(settings.repo_cache), repositories)


def _cached(places: _Places) -> list[Path] | None:
    """The jars of an earlier resolution, or None when there is none or it was interrupted."""
    from jgo.env import EnvironmentBuilder  # noqa: PLC0415
    from jgo.maven import MavenContext  # noqa: PLC0415

    # Nothing is fetched here: an absent cache shows as a refusal of the offline context.
    context = MavenContext(repo_cache=places.cache / _STAGING, remote_repos=places.repositories, offline=True)
    with contextlib.suppress(RuntimeError):
        environment = EnvironmentBuilder(context=context, cache_dir=places.cache).from_endpoint(KAFKA)
        # The lock file is written last.
        if environment.lock_path.exists() and all(zipfile.is_zipfile(jar) for jar in environment.all_jars):
            return list(environment.all_jars)
        shutil.rmtree(environment.path)
    return None


def _fetched(places: _Places, on_download: Callable[[], None]) -> list[Path]:
    """Resolves and downloads beside the kept repository and moves whole files into it at the end.

    jgo writes a download straight to its final name and trusts any file that has it, so that a download which
    was killed would break every later start.
    """
    from jgo.env import EnvironmentBuilder  # noqa: PLC0415
    from jgo.maven import MavenContext  # noqa: PLC0415
    from requests import RequestException  # noqa: PLC0415

    kept, staging = places.kept, places.kept / _STAGING
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    on_download()
    context = MavenContext(
        repo_cache=staging, local_repos=[kept], remote_repos=places.repositories, timeout=20
    )
    try:
        environment = EnvironmentBuilder(context=context, cache_dir=places.cache).from_endpoint(KAFKA)
    except (RequestException, RuntimeError) as error:
        raise RepositoryUnreachableError(places.repository, places.cache, _reason(error)) from error
    broken = [jar for jar in environment.all_jars if not zipfile.is_zipfile(jar)]
    if broken:
        shutil.rmtree(environment.path)
        raise EmbeddedError(
            f"The Maven cache {kept} holds a broken {broken[0].name}: delete that file and start again"
        )
    for file in [path for path in staging.rglob("*") if path.is_file()]:
        final = kept / file.relative_to(staging)
        final.parent.mkdir(parents=True, exist_ok=True)
        file.replace(final)
    shutil.rmtree(staging, ignore_errors=True)
    return list(environment.all_jars)


def _reason(error: Exception) -> str:
    """The innermost cause in a few words: the outer ones repeat whole addresses."""
    innermost: BaseException = error
    while (inner := innermost.__cause__ or innermost.__context__) is not None:
        innermost = inner
    return str(innermost).split("\n", maxsplit=1)[0][:120] or type(innermost).__name__
