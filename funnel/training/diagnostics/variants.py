"""What a ranker is compared with: itself with something taken out, as specs."""

from pydantic import ValidationError

from funnel.balancing.spec import BalancerSpec, StaticSpec
from funnel.training.spec import RankerSpec, TrainSpec

HELD_OUT = 0.1
"""share of the requests on which a ranker is judged that was specified without any"""


def judged(spec: RankerSpec) -> RankerSpec:
    """The ranker with held-out requests to be judged on, and without teachers: only what its tasks do is judged."""
    train = _changed(spec.train, held_out=spec.train.held_out or HELD_OUT)
    return _changed(spec, train=train, distil=None, privileged=None)


def of_tasks(spec: RankerSpec, tasks: tuple[str, ...]) -> RankerSpec | None:
    """The ranker of some of its tasks; None where the architecture cannot be without the others (a chain's parents)."""
    train = {
        name: {task: value for task, value in getattr(spec.train, name).items() if task in tasks}
        for name in ("head_rates", "sampling")
    }
    try:
        return _changed(
            spec, tasks=tasks, train=_changed(spec.train, **train), balancer=_balancer(spec.balancer, tasks)
        )
    except ValidationError:
        return None


def _balancer(balancer: BalancerSpec, tasks: tuple[str, ...]) -> BalancerSpec:
    """The balancer of some tasks; with one task there is nothing to balance."""
    if isinstance(balancer, StaticSpec):
        return StaticSpec(weights={task: weight for task, weight in balancer.weights.items() if task in tasks})
    return balancer if len(tasks) > 1 else StaticSpec()


def alone(spec: RankerSpec, times: int) -> RankerSpec:
    """A network of like widths for each task, trained for `times` as many epochs, all of them."""
    train: TrainSpec = _changed(spec.train, epochs=times * spec.train.epochs, patience=None)
    return _changed(spec, model=spec.model.alone(), balancer=StaticSpec(), train=train)


def fewer_experts(spec: RankerSpec) -> RankerSpec | None:
    """The ranker with an expert less; None where there is none to drop."""
    model = spec.model.fewer()
    return _changed(spec, model=model) if model else None


def unbalanced(spec: RankerSpec) -> RankerSpec | None:
    """The ranker that sums its losses as they are; None where it does."""
    return None if spec.balancer == StaticSpec() else _changed(spec, balancer=StaticSpec())


def weighted(spec: RankerSpec, weights: dict[str, float]) -> RankerSpec:
    """The ranker with static weights, those of other tasks as they were if they were static."""
    before = spec.balancer.weights if isinstance(spec.balancer, StaticSpec) else {}
    return _changed(spec, balancer=StaticSpec(weights=before | weights))


def _changed(spec, **fields):
    """A copy that is validated again."""
    return type(spec)(**{name: getattr(spec, name) for name in type(spec).model_fields} | fields)
