"""What friends' interactions tell of a user's own, measured on the data before any world is made of them."""
