"""How Alembic reaches the vault: with the connection it is given, else that of HLCORE_DATABASE_URL."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

from hlcore.store.column_types import column_type_differs
from hlcore.store.tables import metadata


def _migrate() -> None:
    connection = context.config.attributes.get("connection")
    if connection is not None:
        _run(connection)
        return
    from hlcore.settings import Settings
    from hlcore.store import Vault

    vault = Vault.open(Settings.load().database_url)
    with vault.write() as tx:
        _run(tx)
    vault.close()


def _run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=metadata, compare_type=column_type_differs)
    with context.begin_transaction():
        context.run_migrations()


_migrate()
