"""What the what-if tab prints and carries."""

from typing import Any

from markupsafe import Markup

from funnel.report.view import View
from funnel.report.whatif.packing import embedded, packed
from funnel.report.whatif.pool import Pool, pool, sorts_by_score_alone

MEASURES = (
    ("recall_early", "Oracle's items that early passes", "share"),
    ("recall_late", "Oracle's items in the slate", "share"),
    ("recall_friend", "Oracle's friend items in the slate", "share"),
    ("lost", "Lost candidates: the reference's top n that early cuts", "share"),
    ("lost_friend", "Lost candidates, friend items", "share"),
    ("value", "Slate value, per slot", "value"),
    ("scored", "Cost: candidates scored late, per request", "count"),
)
"""name, what it is called, and unit"""


def section(view: View) -> dict[str, Any]:
    """Everything that the template prints."""
    sample, contributions = view.sample, view.found.table("contributions")
    roles = {view.scenario[role]: role for role in ("proposal", "reference", "baseline")}
    pools = [pool(arm, view.spec["arms"][arm]["stages"], sample, contributions) for arm in roles]
    offered = [one for one in pools if sorts_by_score_alone(one, sample)]
    arms = [one.arm for one in offered]
    return {
        "arms": [(arm, roles[arm]) for arm in arms],
        "missing": [one.arm for one in pools if one.arm not in arms],
        "measures": MEASURES,
        "data": _data(offered),
        "seed": view.scenario["seeds"][0],
    }


def _data(offered: list[Pool]) -> Markup | None:
    return embedded(packed(offered)) if offered else None
