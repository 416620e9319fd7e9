"""What a round's training sees: how much of it carries a bubble, and what the newest log was worth to users."""

import numpy as np
import polars as pl

from funnel import schema
from funnel.formula import evaluate
from funnel.scenario.lab import Lab
from funnel.stages.spec import ValueFormula
from funnel.training.batches import joined

MEASURES = {
    "log_impressions": ("count", "Impressions that the arm's models are trained on."),
    "log_bubbles": ("count", "Of them those that carried a bubble, on which alone a conditional head is trained."),
    "log_engagements": ("count", "Of those the ones that were engaged with."),
    "newest_bubbles": ("share", "Share of the impressions of the newest log that carried a bubble."),
    "newest_value": (
        "value",
        "Mean true value of what the newest log showed, at random or by rank; every item is valued at the first "
        "position.",
    ),
}
"""unit and definition of each"""


def served(lab: Lab, value: ValueFormula) -> pl.DataFrame:
    """`schema.ROWS` of what the arm's models are trained on in this round."""
    logs, newest = [lab.log(one.log) for one in lab.trained_on], lab.log(lab.newest.log)
    shown = pl.concat([log.select("bubble_count", "bubble_engage") for log in logs]).filter(pl.col("bubble_count") > 0)
    found = {
        "log_impressions": float(sum(map(len, logs))),
        "log_bubbles": float(len(shown)),
        "log_engagements": float(shown["bubble_engage"].sum()),
        "newest_bubbles": float((newest["bubble_count"] > 0).to_numpy().mean()),
        "newest_value": _worth(lab, newest, value),
    }
    table = pl.DataFrame({"measure": list(found), "value": list(found.values())})
    fixed = {"seed": lab.seed, "arm": "", "stage": "", "slice": "all", "task": "", "n": newest["request"].n_unique()}
    columns = [pl.lit(word, schema.ROWS[name]).alias(name) for name, word in fixed.items()]
    return schema.check(table.with_columns(columns), schema.ROWS, "served")


def _worth(lab: Lab, log: pl.DataFrame, value: ValueFormula) -> float:
    """Mean true value of the impressions of a log, in the scene in which it was served."""
    engagement = lab.scenery.engagement(lab.newest.scene)
    observed = engagement.world.observed
    user, item, worth = log["user"].to_numpy(), log["item"].to_numpy(), []
    for chosen, bubbles, bubble in joined(log, observed):
        who, what = user[chosen], item[chosen]
        z = engagement.logits(who, what, engagement.friend_term(bubbles, bubble))
        means = engagement.means(z, observed.duration[what], bubble >= 0, value.wanted)
        worth.append(evaluate(value, means, bubble >= 0))
    return float(np.concatenate(worth).mean(dtype=np.float64))
