"""`.env.example` shows what the code reads, no more and no less."""

from shared.runtime.settings import PREFIX

from tests.contract import env_example


def test_file_is_what_the_settings_say():
    written = env_example.FILE.read_text(encoding="utf-8")

    assert written == env_example.render(), "run: python -m tests.contract.env_example"


def test_every_variable_is_named_once():
    lines = env_example.render().splitlines()
    names = [line.removeprefix("# ").partition("=")[0] for line in lines if line.startswith(f"# {PREFIX}")]

    assert len(names) == len(set(names)) > 20
