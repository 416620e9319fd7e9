"""Parameters in groups with settings of their own: a task's head may learn at another rate than the rest.

The towers of all tasks are packed, with the task as first dimension. A step of Adam treats every number by itself, so
the optimiser is handed views of a task's slices, which share their memory with the packed tensors.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from funnel.models.blocks import MultiTaskModel
from funnel.training.heads import Heads


class Groups:
    """What an optimiser is to fit, and with which settings."""

    def __init__(
        self, model: MultiTaskModel, heads: Heads, balancer: Sequence[nn.Parameter], head_rates: Mapping[str, float]
    ):
        """
        Args:
            balancer: parameters of the balancer. Weight decay pulls neither them nor thresholds.
            head_rates: learning rate of a task's head, by name.
        """
        packed = list(model.towers.parameters()) if head_rates else []
        known = {id(parameter) for parameter in packed}
        self._whole = [*model.parameters(), *heads.parameters(), *balancer]
        self._views: list[tuple[Tensor, Tensor, int]] = []
        settings: list[dict[str, Any]] = [{"params": [p for p in model.parameters() if id(p) not in known]}]
        for place, task in enumerate(model.tasks):
            rate = {"lr": head_rates[task]} if task in head_rates else {}
            views = [parameter.detach()[place].requires_grad_() for parameter in packed]
            self._views += [(view, parameter, place) for view, parameter in zip(views, packed, strict=True)]
            settings += [{"params": views, **rate}, {"params": heads.thresholds_of(place), "weight_decay": 0.0, **rate}]
        settings.append({"params": list(balancer), "weight_decay": 0.0})
        self.settings = [group for group in settings if group["params"]]

    def clear(self) -> None:
        """Forget all gradients."""
        for parameter in self._whole:
            parameter.grad = None

    def link(self) -> None:
        """Hand the gradients of the packed tensors to the views."""
        for view, parameter, place in self._views:
            view.grad = None if parameter.grad is None else parameter.grad[place]
