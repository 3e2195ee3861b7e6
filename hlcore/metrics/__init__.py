"""Numbers, lists and series for the pages and the command line: computed from facts and the clock, never stored."""
