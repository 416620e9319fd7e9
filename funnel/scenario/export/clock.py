"""When requests came: the simulator knows their order alone, and a log needs times.

Requests follow each other at one pace, the logged traffic first and the evaluation after it. A day is what serving
holds in memory at once, so a file of a day is bounded whatever the number of requests. Ages of items are told at the
first logged request, so nothing is shown before it was uploaded.
"""

from datetime import UTC, datetime, timedelta

import numpy as np

from funnel.stages.runner import CHUNK

FIRST = datetime(2024, 1, 13, tzinfo=UTC)
"""the evaluation's first request; any day would do, and this one is RecFlow's first"""
DAY = CHUNK
"""requests a day"""
STEP = 86_400_000 // DAY
"""milliseconds from one request to the next"""


def moment(place: np.ndarray) -> np.ndarray:
    """int64 (n,): milliseconds since 1970 of requests by their place; 0 is the evaluation's first, traffic is below."""
    return int(FIRST.timestamp()) * 1000 + place * STEP


def date(day: int) -> str:
    """The day of the evaluation that this one is, as files are called after it."""
    return (FIRST + timedelta(days=day)).date().isoformat()


def uploaded(age: np.ndarray, traffic: int) -> np.ndarray:
    """int64 (I,): seconds since 1970 at which items were uploaded.

    Args:
        age: float32 (I,), days. traffic: requests of the log.
    """
    return (moment(np.array(-traffic)) / 1000 - age * 86_400.0).astype(np.int64)
