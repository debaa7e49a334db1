"""The three kinds of errors that plumbing tells apart; anything else is a bug."""

from __future__ import annotations


class Retryable(Exception):  # noqa: N818 - reads as the kind it is, as the design names it
    """Something we lean on is away (database, broker): the same work is tried again later."""


class Rejected(Exception):  # noqa: N818 - reads as the kind it is, as the design names it
    """This event can never work: it is parked with its raw bytes and the rest goes on.

    `code` is a stable word for counts and filters, `detail` is for people and never holds narrative.
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


class StartupError(Exception):
    """The process cannot start: one sentence that names what to do, exit code 2, no traceback."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence
