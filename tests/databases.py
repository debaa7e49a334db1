"""Fresh databases for tests: migrated once per service and session, then copied in milliseconds."""

import asyncio
import secrets
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
from shared.runtime.migrations import migrate

SERVICES = Path(__file__).parents[1] / "services"


class Databases:
    """Makes databases of services on one server and removes every one of them, and its role, at the end."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._session = secrets.token_hex(4)
        self._templates: dict[str, asyncio.Task[str]] = {}
        self._made: list[str] = []
        self._roles: list[str] = []

    async def make(self, service: str | None) -> str:
        """The URL of a new database: migrated for a service, empty for None; its role owns it."""
        name = service or "empty"
        if name not in self._templates:
            self._templates[name] = asyncio.ensure_future(self._template(service, name))
        template = await self._templates[name]
        role = template.removesuffix("_template")
        fresh = f"{role}_{len(self._made)}"
        await self._execute(f'CREATE DATABASE "{fresh}" OWNER "{role}" TEMPLATE "{template}"')
        self._made.append(fresh)
        return self._url(role, fresh)

    async def remove_all(self) -> None:
        """Drops what was made; connections that a test left open are cut."""
        for name in reversed(self._made):
            await self._execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        for role in self._roles:
            await self._execute(f'DROP ROLE IF EXISTS "{role}"')

    async def _template(self, service: str | None, name: str) -> str:
        role = f"anxing_test_{self._session}_{name}"
        template = f"{role}_template"
        await self._execute(f"""CREATE ROLE "{role}" LOGIN PASSWORD '{self._session}'""")
        self._roles.append(role)
        await self._execute(f'CREATE DATABASE "{template}" OWNER "{role}"')
        self._made.append(template)
        if service is not None:
            await migrate(SERVICES / service / "migrations", self._url(role, template))
        return template

    async def _execute(self, statement: str) -> None:
        connection = await asyncpg.connect(self._server)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    def _url(self, role: str, database: str) -> str:
        parts = urlsplit(self._server)
        return urlunsplit(
            parts._replace(
                netloc=f"{role}:{self._session}@{parts.hostname}:{parts.port or 5432}", path=f"/{database}"
            )
        )
