"""Candidate generation: faiss indexes, sources with budgets, and their union."""
