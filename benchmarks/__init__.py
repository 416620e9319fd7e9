"""How fast the simulator is, each figure beside a floor timed in the same run. `make bench` runs them all."""
