"""The measures against mpmath at 50 digits, and the laws that they obey."""
