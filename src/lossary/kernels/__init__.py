"""How a formula runs: composed, or in blocks that never hold more than they need."""
