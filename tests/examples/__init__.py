"""The examples run and say what they said when they were written."""
