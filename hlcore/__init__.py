"""Contact Vault: an independent copy of every HighLevel contact, and the way back for the deleted ones."""
