"""As whom PostgreSQL runs: it refuses root, so root lends it an account that owns its directory only."""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.embedded.errors import NotPermittedError

# Present on Linux and macOS alike, so that nothing has to be added to the machine.
UNPRIVILEGED = "nobody"


@dataclass(frozen=True, slots=True)
class Account:
    """A user of this machine by number."""

    uid: int
    gid: int

    def as_child(self) -> dict[str, Any]:
        """Arguments of subprocess.Popen that make a child run as this user."""
        if self.uid == os.geteuid():
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, path: Path) -> None:
        """Gives a file or directory to this user."""
        if path.stat().st_uid != self.uid:
            os.chown(path, self.uid, self.gid)

    def let_through(self, path: Path) -> None:
        """Makes sure that this user can reach the path; called as root only.

        A directory above it that lacks it gets the right to be passed through by all, never to be listed:
        what lies in it stays as protected as its own rights say.
        """
        for parent in {*path.absolute().parents, *path.resolve().parents}:
            mode = parent.stat().st_mode
            if not self._may_pass(parent):
                parent.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)

    def _may_pass(self, directory: Path) -> bool:
        entry = directory.stat()
        if entry.st_uid == self.uid:
            return bool(entry.st_mode & stat.S_IXUSR)
        if entry.st_gid == self.gid:
            return bool(entry.st_mode & stat.S_IXGRP)
        return bool(entry.st_mode & stat.S_IXOTH)


def account_for(cluster: Path, data: Path) -> Account:
    """The user that runs PostgreSQL on a cluster: ourselves, or as root the owner of what is already there.

    Root takes the owner of the cluster, else the owner of the data directory (a checkout used with sudo),
    else an unprivileged account. NotPermittedError when the cluster belongs to somebody else.
    """
    mine = os.geteuid()
    if mine != 0:
        if cluster.exists() and cluster.stat().st_uid != mine:
            raise NotPermittedError(
                cluster, "it belongs to another user, perhaps because root started it first"
            )
        return Account(mine, os.getegid())
    for place in (cluster, data):
        if place.exists() and (entry := place.stat()).st_uid != 0:
            return Account(entry.st_uid, entry.st_gid)
    entry_of = pwd.getpwnam(UNPRIVILEGED)
    return Account(entry_of.pw_uid, entry_of.pw_gid)
