"""Tests of the tests, and of the repository as a whole."""
