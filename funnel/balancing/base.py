"""The two shapes of a balancer. None of them knows a model: losses or gradients come in, an update goes out."""

from abc import ABC, abstractmethod

from torch import Tensor, nn


class Weigher(nn.Module, ABC):
    """Turns the losses of T tasks into the one that is descended. Its parameters are learnt beside the model's."""

    needs_norms = False
    """whether `learn` is to be told the norms of the tasks' gradients"""

    @abstractmethod
    def forward(self, losses: Tensor) -> Tensor:
        """The loss to descend, (), of the losses (T,) of a batch."""

    @property
    @abstractmethod
    def weights(self) -> Tensor:
        """(T,): what each task's gradient is multiplied by."""

    def learn(self, losses: Tensor, norms: Tensor) -> None:
        """Told after the gradients of a batch; `norms` (T,) of each loss's gradient on the last shared layer."""

    def end_epoch(self, losses: Tensor) -> None:
        """Told the mean losses (T,) of an epoch that has ended."""


class Surgeon(ABC):
    """Turns the gradients of T tasks on the shared parameters into one direction, a weighted sum of them."""

    @abstractmethod
    def weights(self, gradients: Tensor, present: Tensor) -> Tensor:
        """(T,): the direction of descent, (P,), is `weights @ gradients`.

        Args:
            gradients: (T, P), of every task's loss on the shared parameters.
            present: bool (T,), the tasks that the batch has labels of.
        """
