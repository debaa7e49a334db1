"""Servers that may be killed."""

from collections.abc import Iterator

import pytest
from shared.embedded.servers import Servers


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Servers that only this module uses: they are killed."""
    with Servers.start(tmp_path_factory.mktemp("servers")) as servers:
        yield servers
