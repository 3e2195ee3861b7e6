"""Opening the vault, and its transactions."""

from __future__ import annotations

from hlcore.store import Vault, runs


def test_an_open_vault_has_nothing_pending(vault: Vault) -> None:
    assert vault.pending() == []
