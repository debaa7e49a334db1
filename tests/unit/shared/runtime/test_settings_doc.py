"""The example of all settings, from classes of a test."""

from pathlib import Path

from pydantic import Field
from shared.runtime.settings import Group, HttpSettings, ServiceSettings
from shared.runtime.settings_doc import render_env


class AlphaSettings(ServiceSettings):
    http: HttpSettings = HttpSettings(port=1)


class ChannelSettings(Group):
    ports: tuple[int, ...] = Field((80, 443), description="where it may go")
    plain: bool = Field(default=False, description="without TLS")
    folder: Path = Field(Path("notices"), description="where files go")


class BetaSettings(ServiceSettings):
    http: HttpSettings = HttpSettings(port=2)
    channel: ChannelSettings = ChannelSettings()


def test_what_all_have_stands_once_with_the_defaults_that_differ():
    text = render_env({"alpha": AlphaSettings, "beta": BetaSettings})

    assert text.count("ANXING_KAFKA__BOOTSTRAP=127.0.0.1:9092") == 1
    assert "(alpha 1, beta 2)\n# ANXING_HTTP__PORT=1\n" in text
    assert "(needed)\n# ANXING_DATABASE__URL=\n" in text


def test_what_one_has_stands_under_its_name():
    text = render_env({"alpha": AlphaSettings, "beta": BetaSettings}, others=[("ANXING_X", "for x")])

    own = text.partition("# --- beta ---\n")[2]
    assert own.startswith("# where it may go\n# ANXING_CHANNEL__PORTS=[80, 443]\n# without TLS\n")
    assert "# ANXING_CHANNEL__PLAIN=false\n" in own
    assert "# ANXING_CHANNEL__FOLDER=notices\n" in own
    assert own.endswith("# for x\n# ANXING_X=\n")
    assert "--- alpha ---" not in text
