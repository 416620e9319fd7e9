"""Asking for the next settings: those of the response surface, and beside them some that look elsewhere."""

from collections.abc import Sequence
from math import isfinite

from funnel.calibrate.knobs import Knob
from funnel.calibrate.resolve import Knobs
from funnel.errors import SpecError


def ask(
    knobs: Sequence[Knob],
    tried: Sequence[Knobs],
    losses: Sequence[float],
    wanted: Sequence[Knobs],
    count: int,
    seed: int,
) -> list[Knobs]:
    """So many settings: first those that are wanted, then draws of a tree-structured Parzen estimator.

    The estimator (Bergstra et al., NeurIPS 2011; as Optuna has it, multivariate) knows nothing but the losses, so it
    looks where the surface, which is right only near the best, does not.

    Args:
        tried: settings whose losses are known; infinite where the funnel cannot be made.
        seed: of the draws.

    Raises:
        SpecError: Optuna is not installed.
    """
    try:
        import optuna
    except ImportError as error:
        raise SpecError(
            f"calibrate: should find its search library. Found none: {error}. "
            "Install it: pip install 'funnel[calibrate]'."
        ) from error
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    spaces = {knob.path: _space(knob) for knob in knobs}
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed % 2**32, multivariate=True))
    for setting, loss in zip(tried, losses, strict=True):
        known = {"value": loss} if isfinite(loss) else {"state": optuna.trial.TrialState.PRUNED}
        study.add_trial(optuna.trial.create_trial(params=setting, distributions=spaces, **known))
    for setting in wanted[:count]:
        study.enqueue_trial(setting)
    return [dict(study.ask(spaces).params) for _ in range(count)]


def _space(knob: Knob):
    from optuna.distributions import FloatDistribution, IntDistribution

    if knob.whole:
        return IntDistribution(int(knob.low), int(knob.high), log=knob.log)
    return FloatDistribution(knob.low, knob.high, log=knob.log)
