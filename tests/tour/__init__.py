"""The tour: figures that come out, and the ways to show them."""
