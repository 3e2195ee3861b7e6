"""The only place with SQL: one database (SQLite or PostgreSQL), its tables, and the queries by subject.

Every function takes a transaction (`Tx`) that the caller opened with `Vault.read()` or `Vault.write()`: what belongs
together is committed together. All moments are aware UTC; lists have a stable order.

===============  =====================================================================
module           holds
===============  =====================================================================
`database`       Vault: opening the database, its transactions
`tables`         the tables, as SQLAlchemy knows them
`inbox_tables`   those of them for what comes in and is not handled yet
`column_types`   column types that mean the same on both databases
`dialects`       SQL that the two databases spell differently
`text`           texts that both databases accept
`db_errors`      errors of the database as StoreError
`migrate`        bringing a database to this version's tables
`migrations`     the Alembic revisions
`encryption`     Cipher: the key that encrypts stored tokens
`locations`      connected locations: settings, tokens, requests per day
`oauth_grants`   the OAuth app's grants
`runs`           sync runs: claiming, progress, outcome
`leases`         who works on what, and when another process may take it over
`records`        notes, tasks, …, and the location's reference data
`audit`          the audit log
`webhook_inbox`  stored webhook deliveries
`quarantine`     items that could not be handled, and what is to become of them
`contacts`       copies of contacts: writing, reading, searching, presence in listings
`capture`        which records of which contacts are captured, due or stale
`deletions`      the register of disappearances, bulk deletions, statistics
`restores`       restore jobs, the journal of requests
===============  =====================================================================
"""

from hlcore.store.database import Tx, Vault

__all__ = ["Tx", "Vault"]
