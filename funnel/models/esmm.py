"""Entire-Space Multi-task Model (Ma et al., SIGIR 2018): p(click, conversion) = p(click) * p(conversion | click).

A conditional task has no loss of its own. Its tower learns through the product along its chain, whose loss stands over
all rows, also those where the condition did not hold; chains may be longer (impression, bubble, engagement). The
product is formed where it is needed, by the loss and by the formula: the logits here are conditional ones, as in every
architecture.

The paper shares embeddings alone and sets a network a task on them. Our inputs are numbers, so shared layers with
ReLU take the embeddings' place, as few as one.
"""

from funnel.models.shared_bottom import SharedBottom
from funnel.tasks import parents


class ESMM(SharedBottom):
    """The network of a shared bottom, whose losses are chained."""

    @property
    def parents(self) -> tuple[int, ...]:
        return parents(self.tasks)
