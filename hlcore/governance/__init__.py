"""Who may do what, checked where the act happens, and the lasting record of it."""
