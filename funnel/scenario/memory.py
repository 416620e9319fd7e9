"""What the arms of one job have in common, made once: worlds, retrievals, sheets, predictions.

Everything is called by the recipe that decides it, so arms of several points of a sweep share it too. Only the last few
of a kind are kept; arms are examined in an order that makes it enough.
"""

from collections.abc import Callable
from typing import Any

KEPT = {"predicted": 3, "world": 4, "vectors": 4}
"""how many of a kind are kept, where one is not enough: predictions of the late stage and of two early ones, the scenes
of a window of logs and the one that is examined"""


class Memory:
    """The last few things of each kind."""

    def __init__(self) -> None:
        self._kept: dict[str, dict[str, Any]] = {}

    def once(self, kind: str, key: str, make: Callable[[], Any]) -> Any:
        """The thing of this kind and key, made if it is not among the last that were asked for."""
        kept = self._kept.setdefault(kind, {})
        found = kept.pop(key) if key in kept else make()
        while len(kept) >= KEPT.get(kind, 1):
            del kept[next(iter(kept))]
        kept[key] = found
        return found

    def clear(self) -> None:
        """Lets go of everything. Labs and their pieces know each other, so what a job has held would else stay until a
        collector comes by, and a process does many jobs."""
        self._kept.clear()
