"""What a bare machine refuses, and the one sentence that says so."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from jgo.maven import Artifact
from shared.embedded import directory, jars
from shared.embedded.errors import (
    DiskFullError,
    EmbeddedError,
    NotPermittedError,
    RepositoryUnreachableError,
)
from shared.embedded.ports import any_free
from shared.embedded.servers import Servers, living

from tests.integration.embedded import bystander

START = """
import sys
from pathlib import Path
from shared.embedded.errors import EmbeddedError
from shared.embedded.ports import any_free
from shared.embedded.servers import Servers
try:
    with Servers.start(Path(sys.argv[1]), kafka_port=any_free(), postgres_port=any_free()) as servers:
        print(*servers.owned)
except EmbeddedError as error:
    sys.exit(error.sentence)
"""


def _one_sentence(text: str) -> bool:
    return "\n" not in text.strip() and "Traceback" not in text


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A local Maven repository with all that Kafka needs in it, and nothing else of this machine's."""
    jars.class_path(lambda: None)
    kept = jars._places().kept
    copy = tmp_path_factory.mktemp("whole")
    resolve = Artifact.resolve

    def noted(artifact: Artifact) -> Path:
        path: Path = resolve(artifact)
        final = copy / path.relative_to(kept)
        final.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, final)
        return path

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Artifact, "resolve", noted)
        jars._resolved(jars._places(), copy / "nothing")
    return copy


@pytest.fixture
def empty_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing fetched yet, and a repository where nobody listens."""
    monkeypatch.setenv("JGO_CACHE_DIR", str(tmp_path / "jgo"))
    monkeypatch.setenv("M2_REPO", str(tmp_path / "m2"))
    monkeypatch.setenv(jars.REPOSITORY_VARIABLE, f"http://127.0.0.1:{any_free()}/maven2")
    return tmp_path / "jgo"


def test_maven_out_of_reach(tmp_path: Path, empty_caches: Path) -> None:
    said: list[str] = []
    with pytest.raises(RepositoryUnreachableError, match=jars.REPOSITORY_VARIABLE) as caught:
        Servers.start(tmp_path / "data", on_download=lambda: said.append("download"))
    assert _one_sentence(caught.value.sentence)
    assert str(tmp_path / "m2") in caught.value.sentence
    assert said == ["download"]
    # The other server is not left running.
    assert living(tmp_path / "data") == {}
    assert jars.repository_answers()[0] is False


def test_jars_are_whole_or_not_used(whole: Path, tmp_path: Path, empty_caches: Path) -> None:
    assert not jars.are_cached()
    shutil.copytree(whole, tmp_path / "m2")
    # What other Maven tools have fetched is enough: nobody is asked.
    copied = [Path(jar) for jar in jars.class_path(lambda: None).split(os.pathsep)]
    assert len(copied) > 40
    assert all(jar.is_relative_to(tmp_path / "m2") for jar in copied)
    assert jars.are_cached()
    # A file that a full disk or a killed process has cut off.
    content = copied[0].read_bytes()
    copied[0].write_bytes(content[: len(content) // 2])
    assert not jars.are_cached()
    with pytest.raises(EmbeddedError, match="delete that file"):
        jars.class_path(lambda: None)
    copied[0].unlink()
    with pytest.raises(RepositoryUnreachableError):
        jars.class_path(lambda: None)
    copied[0].write_bytes(content)
    assert jars.are_cached()
    assert empty_caches.exists()


@contextlib.contextmanager
def _small_disk(where: Path, megabytes: int) -> Iterator[bool]:
    """A file system of its own where we may make one."""
    where.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(where)]
    mounted = os.geteuid() == 0 and subprocess.run(mount, capture_output=True, check=False).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", str(where)], check=True)


def test_disk_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with _small_disk(tmp_path / "disk", 24) as mounted:
        data = tmp_path / "disk" / "data"
        if not mounted:
            # As near as an ordinary user gets: the disk says that it has no room.
            monkeypatch.setattr(shutil, "disk_usage", lambda _path: shutil._ntuple_diskusage(1, 1, 0))
        with pytest.raises(DiskFullError, match="free some space"):
            Servers.start(data)
        if mounted:
            # And when it fills up only while the servers make their files.
            monkeypatch.setattr(directory, "FREE_BYTES_MIN", 0)
            with pytest.raises(DiskFullError) as caught:
                Servers.start(data, kafka_port=any_free(), postgres_port=any_free())
            assert _one_sentence(caught.value.sentence)
        assert living(data) == {}


def test_no_permission(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    if os.geteuid() != 0:
        with pytest.raises(NotPermittedError, match="--data"):
            Servers.start(closed / "data")
        return
    _open_way(tmp_path)
    done = bystander.run([bystander.python(), "-c", START, str(closed / "data")])
    assert done.returncode == 1
    assert done.stderr.startswith("No permission for ")
    assert _one_sentence(done.stderr)


def test_a_normal_user_starts_both(tmp_path: Path, whole: Path) -> None:
    """The other tests show, when root runs them, that root can too."""
    if os.geteuid() != 0:
        with Servers.start(tmp_path / "data", kafka_port=any_free(), postgres_port=any_free()) as servers:
            assert servers.owned == ("kafka", "postgres")
        return
    _open_way(tmp_path)
    home = tmp_path / "home"
    home.mkdir()
    os.chown(home, bystander.ENTRY.pw_uid, bystander.ENTRY.pw_gid)
    shutil.copytree(whole, home / "m2")
    bystander.give(home)
    done = bystander.run(
        [bystander.python(), "-c", START, str(home / "data")],
        HOME=str(home),
        JGO_CACHE_DIR=str(home / "jgo"),
        M2_REPO=str(home / "m2"),
    )
    assert (done.stdout, done.stderr, done.returncode) == ("kafka postgres\n", "", 0)
    assert (home / "data/postgres").stat().st_uid == bystander.ENTRY.pw_uid
    # Root may go on with it, and leaves it to its owner.
    with Servers.start(home / "data") as servers:
        process = servers.marks["postgres"].process()
        assert process is not None
        assert process.uids().real == bystander.ENTRY.pw_uid


def _open_way(path: Path) -> None:
    """pytest closes its folders to others."""
    for parent in path.parents:
        if parent.stat().st_uid == os.geteuid() and parent != Path("/"):
            parent.chmod(parent.stat().st_mode | 0o011)
    path.chmod(0o711)
