"""From the kind of a calibration to its class."""

from funnel.training.calibration.base import Calibration
from funnel.training.calibration.curves import Isotonic, Platt, SurfaceIsotonic, SurfacePlatt
from funnel.training.calibration.source import SourceShifts
from funnel.training.calibration.spec import CalibrationKind

CALIBRATIONS: dict[CalibrationKind, type[Calibration]] = {
    "source": SourceShifts,
    "platt": Platt,
    "isotonic": Isotonic,
    "surface_platt": SurfacePlatt,
    "surface_isotonic": SurfaceIsotonic,
}
