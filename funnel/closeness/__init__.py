"""Closeness models: from what shows of friendships, answers and logs to an estimate of every edge (no torch)."""
