"""The truth: who likes what, who is close to whom, and what every item would do to every user."""
