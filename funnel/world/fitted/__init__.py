"""A world fitted to interactions and friendships that a user brings: as observed, fitted, or assumed, in this order."""
