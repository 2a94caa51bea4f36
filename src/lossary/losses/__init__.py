"""One loss, one file: the exact formula, and its Module under it."""
