"""The benchmark: what it measures, what it shows, what it refuses. No test asserts a time."""
