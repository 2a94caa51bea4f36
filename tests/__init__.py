"""The proof of Lossary: oracles, one table of all losses, and the laws that they obey."""
