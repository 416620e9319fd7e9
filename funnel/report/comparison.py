"""Two finished runs side by side: what they share, and how far apart the same arm came out."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl

from funnel.errors import ResultsError
from funnel.metrics.intervals import Interval, t_interval, welch
from funnel.patch import leaves
from funnel.report.view import Address, View
from funnel.scenario import results

DRAWS = ("world", "evaluation")
"""tables of an arm's spec that decide, with the seed, what is drawn: users, items, and who asks"""


@dataclass(frozen=True)
class Run:
    """One finished run of a funnel, read."""

    name: str
    """of its folder"""
    view: View
    rows: pl.DataFrame
    """of `funnel.schema.ROWS`"""

    @cached_property
    def values(self) -> dict[tuple[str, Address], dict[int, float]]:
        """By arm and address the value of each seed that has one."""
        found: dict[tuple[str, Address], dict[int, float]] = {}
        columns = self.rows.drop_nulls("value").select("seed", "arm", "measure", "stage", "slice", "task", "value")
        for seed, arm, measure, stage, slice_, task, value in columns.iter_rows():
            found.setdefault((arm, (measure, stage, slice_, task)), {})[seed] = value
        return found


class Comparison:
    """Run `b` against run `a`."""

    def __init__(self, a: Run, b: Run):
        self.a, self.b = a, b
        self.arms = [arm for arm in a.view.arms if arm in b.view.arms]
        """arms that both have, by name; their specs may differ"""
        self.seeds = [seed for seed in a.view.scenario["seeds"] if seed in b.view.scenario["seeds"]]
        """seeds that both have"""

    def paired(self, arm: str) -> bool:
        """Whether both runs drew the same worlds and the same requests for the arm."""
        ours, theirs = (run.view.spec["arms"][arm] for run in (self.a, self.b))
        return bool(self.seeds) and all(ours.get(table) == theirs.get(table) for table in DRAWS)

    def difference(self, arm: str, address: Address) -> Interval | None:
        """Mean of `b` minus mean of `a`; None where one of them has no value.

        Paired by seed where both drew the same worlds, over the seeds that both have; else between independent runs.
        """
        before, after = (run.values.get((arm, address), {}) for run in (self.a, self.b))
        if self.paired(arm):
            both = [after[seed] - before[seed] for seed in self.seeds if seed in before and seed in after]
            return t_interval(np.array(both)) if both else None
        if not (before and after):
            return None
        return welch(np.array([*after.values()]), np.array([*before.values()]))

    def spec_changes(self) -> list[tuple[str, str, str]]:
        """Path, value in `a` and in `b` of every field that differs; a field of one alone is `absent` in the other."""
        ours, theirs = (
            {path: json.dumps(value, ensure_ascii=False) for path, value in leaves(run.view.spec)}
            for run in (self.a, self.b)
        )
        paths = [*ours, *(path for path in theirs if path not in ours)]
        told = [(path, ours.get(path, "absent"), theirs.get(path, "absent")) for path in paths]
        return [line for line in told if line[1] != line[2]]

    @property
    def truth_differs(self) -> bool:
        """Whether items are worth something else in either run."""
        ours, theirs = (run.view.spec["base"]["value"] for run in (self.a, self.b))
        return ours != theirs

    def versions(self) -> list[tuple[str, str, str]]:
        """Library and its version in either run."""
        ours, theirs = (run.view.summary["versions"] for run in (self.a, self.b))
        return [(name, ours.get(name) or "unknown", theirs.get(name) or "unknown") for name in ours | theirs]


def read(a: Path, b: Path) -> Comparison:
    """Both runs of a comparison.

    Raises:
        ResultsError: a run is missing, unfinished, foreign, damaged, of another version or kind, or both are the same
            folder. Names all that is wrong.
    """
    problems, runs = [], []
    for folder in (a, b):
        try:
            runs.append(_run(folder))
        except ResultsError as error:
            problems.append(str(error))
    if not problems and a.resolve() == b.resolve():
        problems.append(f"{b}: should be another run than {a}. Found the same folder. Copy a run to keep it.")
    if problems:
        raise ResultsError("\n".join(dict.fromkeys(problems)))
    return Comparison(*runs)


def _run(folder: Path) -> Run:
    found = results.read(folder)
    kind = found.summary.get("kind", "funnel")
    if kind != "funnel":
        raise ResultsError(f"{folder}: should be a run of kind `funnel`. Found `{kind}`. Only funnels are compared.")
    return Run(folder.resolve().name, View(found), found.table("rows"))
