"""From a trial to slopes: what one more friend shown does to the log odds of a task, by several ways to ask.

All are logistic regressions without a penalty. Of these `causal` asks the lots, with a fixed effect for each number of
friends available, within which the number shown is drawn; `observational` asks everything else, as a dashboard would;
`shown_only` leaves out of that what nobody is shown on; `adjusted` adds controls that could be observed. `world` is the
truth that `causal` estimates: the same regression on the impressions of the lots, of the true probabilities at every
number that could have been drawn, so that neither the lot nor the outcome makes any noise.
"""

import numpy as np
import polars as pl

from funnel.features import table
from funnel.scenario.dose.trial import TASKS, Trial
from funnel.world.observed import Observed

WORLD = "world"
ESTIMATORS = ("causal", "observational", "shown_only", "adjusted")
"""ways to estimate, each held against the world's own"""
SOURCES = ("randomised", "others", "world")
"""where the impressions of a cell are from; of the world, impressions of the lots at every number"""
LEAST = 20
"""impressions with the outcome, and without, that a slope takes"""
USER, ITEM = ("activity", "friend_count"), ("duration", "age", "past_views", "past_like_rate", "past_click_rate")
"""observable controls, beside position and the match of content"""
CELLS = {
    "source": pl.String,
    "task": pl.String,
    "available": pl.Int64,
    "shown": pl.Int64,
    "n": pl.Float64,  # impressions; of the world each counts once over all numbers that could have been drawn
    "happened": pl.Float64,  # of them with the outcome; null of the world
    "expected": pl.Float64,  # sum of their true probabilities
}
"""One row a source, task, number of friends available and number shown."""


def cells(trial: Trial) -> pl.DataFrame:
    """`CELLS` of a trial."""
    parts = [
        _counted("randomised", trial, trial.randomised),
        _counted("others", trial, ~trial.randomised),
        _of_world(trial),
    ]
    return pl.concat(parts).filter(pl.col("n") > 0)


def _counted(source: str, trial: Trial, rows: np.ndarray) -> pl.DataFrame:
    top = trial.by_dose.shape[1]
    key, size = trial.available[rows] * top + trial.shown[rows], top * top
    n = np.bincount(key, minlength=size)
    parts = []
    for place, task in enumerate(TASKS):
        happened, expected = trial.happened[rows, place], trial.expected[rows, place]
        parts.append(_table(top, source, task, n, np.bincount(key, happened, size), np.bincount(key, expected, size)))
    return pl.concat(parts)


def _of_world(trial: Trial) -> pl.DataFrame:
    top, available = trial.by_dose.shape[1], trial.available[trial.randomised]
    parts = []
    for place, task in enumerate(TASKS):
        count, expected = np.zeros((2, top, top))
        for dose in range(top):
            could = available >= dose
            weight = 1 / (available[could] + 1)
            count[:, dose] = np.bincount(available[could], weight, top)
            expected[:, dose] = np.bincount(available[could], weight * trial.by_dose[could, dose, place], top)
        parts.append(_table(top, WORLD, task, count.ravel(), None, expected.ravel()))
    return pl.concat(parts)


def _table(
    top: int, source: str, task: str, n: np.ndarray, happened: np.ndarray | None, expected: np.ndarray
) -> pl.DataFrame:
    available, shown = np.divmod(np.arange(top * top), top)
    columns = {"source": source, "task": task, "available": available, "shown": shown, "n": n, "happened": happened}
    return pl.DataFrame(columns | {"expected": expected}, schema=CELLS)


def slopes(trial: Trial, found: pl.DataFrame, observed: Observed) -> dict[str, dict[str, float | None]]:
    """By estimator, and the world's own, and task: log odds per further friend; None where too little happened.

    Args:
        found: `cells` of the trial.
    """
    by = {source: _of(found, source) for source in SOURCES}
    seen = {task: part.filter(pl.col("shown") > 0) for task, part in by["others"].items()}
    told = {
        "causal": {task: _slope(part, fixed=True) for task, part in by["randomised"].items()},
        "observational": {task: _slope(part) for task, part in by["others"].items()},
        "shown_only": {task: _slope(part) for task, part in seen.items()},
        "adjusted": _adjusted(trial, observed),
    }
    return told | {WORLD: {task: _slope(part, fixed=True) for task, part in by[WORLD].items()}}


def curves(found: pl.DataFrame) -> pl.DataFrame:
    """By source, task and number shown the log odds against nobody shown: with fixed effects of what was available
    where a lot decided, plain elsewhere. None of a number at which too little happened."""
    rows = []
    for source in SOURCES:
        for task, part in _of(found, source).items():
            numbers = [number for number in sorted(set(part["shown"])) if number > 0]
            enough = [number for number in [0, *numbers] if _enough(part.filter(pl.col("shown") == number))]
            told = dict.fromkeys(numbers)
            if 0 in enough:
                kept, judged = part.filter(pl.col("shown").is_in(enough)), enough[1:]
                columns = [kept["shown"] == number for number in judged]
                told |= dict(zip(judged, _regressed(kept, columns, fixed=source != "others"), strict=True))
            rows += [(source, task, number, odds) for number, odds in told.items()]
    types = {"source": pl.String, "task": pl.String, "shown": pl.Int64, "log_odds": pl.Float64}
    return pl.DataFrame(rows, schema=types, orient="row")


def _of(found: pl.DataFrame, source: str) -> dict[str, pl.DataFrame]:
    """The cells of one source by task; what `happened` of the world is what is expected."""
    part = found.filter(pl.col("source") == source).with_columns(yes=pl.coalesce("happened", "expected"))
    return {task: part.filter(pl.col("task") == task) for task in TASKS}


def _slope(part: pl.DataFrame, fixed: bool = False) -> float | None:
    if not _enough(part) or part["shown"].n_unique() < 2:
        return None
    (slope,) = _regressed(part, [part["shown"]], fixed)
    return slope


def _enough(part: pl.DataFrame) -> bool:
    """Whether enough happened, and enough did not; of the world's own probabilities there is no draw to wait for."""
    yes, n = float(part["yes"].sum()), float(part["n"].sum())
    return min(yes, n - yes) >= LEAST if part["happened"].null_count() == 0 else n > 0


def _regressed(part: pl.DataFrame, columns: list[pl.Series], fixed: bool) -> list[float | None]:
    """Coefficients of the columns in a logistic regression on cells, with effects of what was available if `fixed`."""
    if not columns:
        return []
    n, yes = part["n"].to_numpy(), part["yes"].to_numpy()
    inputs, available = [column.to_numpy() for column in columns], part["available"].to_numpy()
    inputs += [available == number for number in np.unique(available)[1:]] if fixed else []
    design = np.column_stack(inputs).astype(float)
    # Each cell stands twice: once for what happened in it, once for what did not.
    doubled, both = np.concatenate([design, design]), np.repeat([True, False], len(n))
    return _logistic(doubled, both, np.concatenate([yes, n - yes]))[: len(columns)]


def _logistic(inputs: np.ndarray, happened: np.ndarray, weights: np.ndarray | None = None) -> list[float | None]:
    """Coefficients of most likelihood."""
    from sklearn.linear_model import LogisticRegression  # takes a second to load

    model = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-8)
    return model.fit(inputs, happened, weights).coef_[0].tolist()


def _adjusted(trial: Trial, observed: Observed) -> dict[str, float | None]:
    rows = np.flatnonzero(~trial.randomised)
    inputs = np.column_stack([trial.shown[rows], _controls(trial, rows, observed)])
    told: dict[str, float | None] = {}
    for place, task in enumerate(TASKS):
        happened = trial.happened[rows, place]
        enough = min(happened.sum(), (~happened).sum()) >= LEAST and len(np.unique(inputs[:, 0])) > 1
        told[task] = _logistic(inputs, happened)[0] if enough else None
    return told


def _controls(trial: Trial, rows: np.ndarray, observed: Observed) -> np.ndarray:
    """float64 (k, 9 at most): what could be observed of user, item, match and place; standardised, if it varies."""
    user, item = trial.user[rows], trial.item[rows]
    match = np.einsum("nd,nd->n", observed.interests[user], observed.content[item])
    of_user, of_item = table(USER, "user", observed)[user], table(ITEM, "item", observed)[item]
    columns = np.column_stack([of_user, of_item, match, np.log1p(trial.position[rows])]).astype(float)
    spread = columns.std(0)
    return ((columns - columns.mean(0)) / np.where(spread > 0, spread, 1.0))[:, spread > 0]
