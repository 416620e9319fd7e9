"""The kinds of calibration, as data: no scikit-learn and no torch here, so that specs are checked at once."""

from typing import Literal

CalibrationKind = Literal["source", "platt", "isotonic", "surface_platt", "surface_isotonic"]
"""To add one: its name here, a class, and a line in `funnel.training.calibration.catalogue`."""

BY_SURFACE = ("surface_platt", "surface_isotonic")
"""those that are fitted surface by surface"""
