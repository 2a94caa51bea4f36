"""The entropies against mpmath at 50 digits, and the one gradient rule."""
