"""`python -m benchmarks.census [FOLDER]`: AUC of every architecture on the census, to `benchmarks/CENSUS.md`.

Five seeds, each with initial weights, shuffles and a validation part of its own: of the four fifths of the persons that
are not tested on, a quarter is kept aside, and the epoch that is best there is kept. So 60 / 20 / 20. The models have
about as many parameters as one another; nothing was tuned for one of them alone.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from benchmarks.persons import FOLDER, TASKS, read, scaling, tested
from funnel.errors import FunnelError
from funnel.metrics.auc import expected_auc
from funnel.models.spec import MMoESpec, ModelSpec, PLESpec, SharedBottomSpec, SingleTaskSpec
from funnel.scenario.executors import Executor
from funnel.training.ranker import fit_ranker
from funnel.training.spec import RankerSpec, TrainSpec

RESULTS = Path(__file__).with_name("CENSUS.md")
SEEDS = 5
LENT = ("like", "follow")
"""binary tasks of the funnel's catalogue, under whose names the two tasks are trained"""
TRAIN = TrainSpec(epochs=8, batch=512, rate=1e-3, held_out=0.25, patience=2)
MODELS: dict[str, ModelSpec] = {
    "single_task": SingleTaskSpec(trunk=(128,), tower=(32,)),
    "shared_bottom": SharedBottomSpec(bottom=(256,), tower=(32,)),
    "mmoe": MMoESpec(experts=8, expert=(32,), tower=(32,)),
    "cgc": PLESpec(layers=1, shared=4, private=2, expert=(32,), tower=(32,)),
    "ple": PLESpec(layers=2, shared=4, private=2, expert=(32,), tower=(32,)),
}


@dataclass(frozen=True)
class Score:
    """What one model of one seed came to."""

    model: str
    seed: int
    auc: tuple[float, ...]
    """of each task, on the tested persons"""
    parameters: int
    epochs: int
    """until the best one on the validation part"""


def measure(
    folder: Path, seeds: int = SEEDS, train: TrainSpec = TRAIN, executor: Executor | None = None
) -> list[Score]:
    """The scores of all models under all seeds, models in the order of `MODELS`.

    Raises:
        DataError: the data is not there.
    """
    runs = [(model, seed) for model in MODELS for seed in range(seeds)]
    done = dict((executor or Executor()).run(partial(_score, folder, train), runs))
    return [done[place] for place in range(len(runs))]


def _score(folder: Path, train: TrainSpec, run: tuple[str, int]) -> Score:
    model, seed = run
    persons = read(folder)
    test = tested(persons)
    spec = RankerSpec(features=("content",), tasks=LENT, model=MODELS[model], train=train)
    seen, columns = persons.take(~test), {"content": persons.x.shape[1]}
    ranker = fit_ranker(spec, seen, columns, seed, inputs=scaling(seen))
    asked = persons.take(test)
    told = ranker.predict_rows(asked)
    auc = tuple(expected_auc(*pair) or 0.5 for pair in zip(told.T, asked.labels.T, strict=True))
    return Score(model, seed, auc, ranker.parameters, ranker.kept_epoch + 1)


def table(scores: Sequence[Score]) -> str:
    """One line a model: mean and standard deviation over the seeds."""
    heads = ("model", "parameters", *(f"AUC {task}" for task in TASKS), "best epoch", "seeds")
    lines = [heads, ("---",) * len(heads)]
    for model in dict.fromkeys(score.model for score in scores):
        own = [score for score in scores if score.model == model]
        aucs = [_spread([score.auc[place] for score in own]) for place in range(len(TASKS))]
        epochs = np.mean([score.epochs for score in own])
        lines.append((model, f"{own[0].parameters:,}", *aucs, f"{epochs:.1f}", str(len(own))))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _spread(values: Sequence[float]) -> str:
    deviation = f"{np.std(values, ddof=1):.4f}" if len(values) > 1 else "n/a"
    return f"{np.mean(values):.4f} ± {deviation}"


def page(scores: Sequence[Score], day: date) -> str:
    return (
        "# The last run of `make census`\n\n"
        f"{day.isoformat()}, {os.cpu_count()} cores. Mean and standard deviation over seeds, on the tested fifth of "
        "the persons. What was done, and what others report, stands in [README.md](README.md).\n\n"
        f"{table(scores)}\n"
    )


def main(folder: Annotated[Path, typer.Argument(help="Where the data lies.")] = FOLDER) -> None:
    """Trains every architecture on the census under five seeds, and prints and writes their AUC."""
    try:
        scores = measure(folder)
    except FunnelError as error:
        raise SystemExit(str(error)) from None
    RESULTS.write_text(page(scores, date.today()))
    typer.echo(table(scores))


if __name__ == "__main__":
    typer.run(main)
