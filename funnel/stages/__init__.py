"""The funnel itself: retrieve, rank (early and late are one class with different specs), and the runner."""
