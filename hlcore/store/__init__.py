"""The only room with SQL: one database (SQLite or PostgreSQL), its tables and migrations, and the queries by subject.

Every function takes a transaction (`Tx`) that the caller opened with `Vault.read()` or `Vault.write()`: what belongs
together is committed together. All moments are aware UTC; lists have a stable order.
"""

from hlcore.store.database import Tx, Vault

__all__ = ["Tx", "Vault"]
