"""The ground floor: errors, checks, dtypes, the one reduction, and distributions."""
