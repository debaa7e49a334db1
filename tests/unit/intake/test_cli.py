"""What `intake keys issue` refuses before it looks for a server."""

import pytest
from intake.cli.keys import keys
from shared.runtime.errors import StartupError
from typer.testing import CliRunner


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--role", "officer"], "--everything"),
        (["--everything"], "--role"),
        (["--everything", "--role", "king"], "--role"),
        (["--everything", "--role", "officer", "--act-for", "king"], "--role"),
        (["--everything", "--role", "officer", "--right", "divine"], "rights"),
        (["--everything", "--role", "officer", "--id", "a b"], "credential_id"),
        (["--compound", "a b", "--role", "officer"], "compounds"),
    ],
)
def test_what_cannot_be_issued_is_said_in_one_sentence(words: list[str], named: str) -> None:
    result = CliRunner().invoke(keys, ["issue", *words])
    assert isinstance(result.exception, StartupError)
    assert named in result.exception.sentence
    assert "\n" not in result.exception.sentence
    assert result.stdout == ""
