"""A policy serves requests: impressions with labels and propensities, and the candidates that each stage cut."""
