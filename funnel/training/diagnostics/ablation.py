"""What each part of a ranker is worth: the ranker without it, fitted anew."""

from collections.abc import Iterator

from funnel.training.diagnostics.trial import Losses, Trial, Value, improvement
from funnel.training.diagnostics.variants import fewer_experts, of_tasks, unbalanced
from funnel.training.spec import RankerSpec


def ablations(trial: Trial, full: Losses) -> list[Value]:
    """Improvement of every remaining task's held-out loss as a part is dropped: a task, an expert, the balancer.

    Args:
        full: held-out losses of the whole ranker.
    """
    return [
        ("ablation", task, "", part, None, improvement(full[task], loss))
        for part, spec in _without(trial.spec)
        for task, loss in trial.losses(spec).items()
    ]


def _without(spec: RankerSpec) -> Iterator[tuple[str, RankerSpec]]:
    """What is dropped, in words, and the ranker without it."""
    if len(spec.tasks) > 1:
        for dropped in spec.tasks:
            rest = of_tasks(spec, tuple(task for task in spec.tasks if task != dropped))
            if rest:
                yield f"without `{dropped}`", rest
    if fewer := fewer_experts(spec):
        yield "with an expert less", fewer
    if plain := unbalanced(spec):
        yield "without its balancer", plain
