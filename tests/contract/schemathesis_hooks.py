"""What JSON Schema calls an integer, 1.0 and 1e3 too, is none in CloudEvents: bodies are written without."""

from typing import Any

import schemathesis


@schemathesis.hook
def map_body(context: schemathesis.HookContext, body: Any) -> Any:
    return _whole(body)


def _whole(value: Any) -> Any:
    match value:
        case dict():
            return {name: _whole(entry) for name, entry in value.items()}
        case list():
            return [_whole(entry) for entry in value]
        case float() if value.is_integer():
            return int(value)
        case _:
            return value
