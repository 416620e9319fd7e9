"""Pools as JSON for a page: columns in base64, each once however many arms share it."""

import base64
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from markupsafe import Markup

from funnel.report.whatif.measures import own, whatif
from funnel.report.whatif.pool import FLAGS, NUMBERS, STAGES, Part, Pool

LIMIT = 2_000_000
"""bytes of JSON that a page carries; a greater sample is cut to the requests that fit"""


def packed(pools: Sequence[Pool]) -> str:
    """The first requests of all pools as JSON: as many as fit into LIMIT, and one at least."""
    most = min(pool.rows.requests for pool in pools)
    texts = (json.dumps(_table([pool.first(count) for pool in pools])) for count in range(most, 0, -1))
    return next(text for count, text in zip(range(most, 0, -1), texts, strict=True) if len(text) <= LIMIT or count == 1)


def embedded(text: str) -> Markup:
    """JSON that may stand inside a script element."""
    return Markup(text.replace("<", "\\u003c"))


def _table(pools: Sequence[Pool]) -> dict[str, Any]:
    columns = _Columns()
    arms = [_arm(pool, columns) for pool in pools]
    return {"arms": arms, "columns": columns.packed}


class _Columns:
    """Columns by their content, so that arms which share one refer to the same."""

    def __init__(self) -> None:
        self.packed: list[dict[str, str]] = []
        self._place: dict[tuple[str, bytes], int] = {}

    def place(self, column: np.ndarray) -> int:
        kind = {"b": "u1", "u": "u2", "i": "i4", "f": "f4"}[column.dtype.kind]
        data = column.astype(f"<{kind}").tobytes()
        if (kind, data) not in self._place:
            self._place[kind, data] = len(self.packed)
            self.packed.append({"kind": kind, "data": base64.b64encode(data).decode()})
        return self._place[kind, data]


def _arm(pool: Pool, columns: _Columns) -> dict[str, Any]:
    return {
        "name": pool.arm,
        "keep": pool.keep,
        "slate": pool.slate_size,
        "offsets": columns.place(pool.rows.offsets),
        "item": columns.place(pool.rows.item),
        **{name: columns.place(pool.columns[name]) for name in (*FLAGS, *NUMBERS)},
        "formulas": pool.formulas,
        "parts": {stage: {task: _part(part, columns) for task, part in pool.parts[stage].items()} for stage in STAGES},
        "own": {name: [found.above, found.below] for name, found in whatif(pool, own(pool)).items()},
    }


def _part(part: Part, columns: _Columns) -> dict[str, Any]:
    return {"low": part.low, "step": part.step, "code": columns.place(part.code)}
