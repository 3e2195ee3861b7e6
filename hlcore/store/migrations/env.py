"""How Alembic reaches the vault: over the connection it is given, else the one of HLCORE_DATABASE_URL."""

from __future__ import annotations

from alembic import context

from hlcore.store import tables
from hlcore.store.column_types import differs
from hlcore.store.tables import metadata

assert tables.audit.metadata is tables.inbox.metadata is metadata  # importing them made their tables known


def _run() -> None:
    connection = context.config.attributes.get("connection")
    if connection is None:
        from hlcore.settings import Settings
        from hlcore.store import Vault

        vault = Vault.open(Settings.load().database_url)
        with vault.write() as tx:
            context.configure(connection=tx, target_metadata=metadata, compare_type=differs)
            with context.begin_transaction():
                context.run_migrations()
        vault.close()
        return
    context.configure(connection=connection, target_metadata=metadata, compare_type=differs)
    with context.begin_transaction():
        context.run_migrations()


_run()
