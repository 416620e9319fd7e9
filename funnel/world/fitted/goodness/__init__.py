"""How good a fit is: on interactions that it has not seen, and in the laws of the world that is made of it."""
