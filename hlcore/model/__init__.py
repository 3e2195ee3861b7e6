"""The pure middle: no I/O, no clock of its own. Everything that can lose data is decided here."""
