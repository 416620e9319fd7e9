"""The catalogue of balancers, as data: how the losses of several tasks become one update. No torch here.

`funnel.balancing.catalogue` makes them. A weigher turns the losses into one; a surgeon turns the gradients of the tasks
on the shared parameters into one, at the price of a backward pass a task.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from funnel.spec import Spec

Positive = Annotated[float, Field(gt=0)]


class BalancerBase(Spec):
    """What every balancer's spec tells."""

    needs_shared: ClassVar[bool] = False
    """whether it works on shared parameters, so that a model without them cannot use it"""


class StaticSpec(BalancerBase):
    """Weights that stay as they are: L = sum_k w_k L_k."""

    kind: Literal["static"] = "static"
    weights: dict[str, Positive] = Field(default_factory=dict)
    """weight of a task's loss, by name; 1 where none is given"""


class UncertaintySpec(BalancerBase):
    """Weights by learnt task noise (Kendall, Gal, Cipolla, CVPR 2018)."""

    kind: Literal["uncertainty"] = "uncertainty"


class GradNormSpec(BalancerBase):
    """Weights that let tasks learn at like rates (Chen et al., ICML 2018)."""

    kind: Literal["gradnorm"] = "gradnorm"
    needs_shared: ClassVar[bool] = True
    alpha: float = Field(1.5, ge=0)
    """how strongly a task that lags is pulled; 0 asks for equal gradient norms"""
    rate: float = Field(0.025, gt=0)
    """learning rate of the weights"""


class DWASpec(BalancerBase):
    """Weights by how slowly the mean loss of an epoch falls: dynamic weight average (Liu et al., CVPR 2019)."""

    kind: Literal["dwa"] = "dwa"
    temperature: float = Field(2.0, gt=0)
    """great values bring the weights closer to each other"""


class SurgerySpec(BalancerBase):
    """What all gradient surgeries tell."""

    needs_shared: ClassVar[bool] = True


class PCGradSpec(SurgerySpec):
    """Projects conflicting gradients onto each other's normal plane (Yu et al., NeurIPS 2020)."""

    kind: Literal["pcgrad"] = "pcgrad"


class MGDASpec(SurgerySpec):
    """The shortest vector in the convex hull of the gradients (Sener and Koltun, NeurIPS 2018)."""

    kind: Literal["mgda"] = "mgda"


class CAGradSpec(SurgerySpec):
    """Best worst improvement within a ball around the mean gradient (Liu et al., NeurIPS 2021)."""

    kind: Literal["cagrad"] = "cagrad"
    c: float = Field(0.4, ge=0)
    """radius of the ball, in norms of the mean gradient; 0 is plain descent"""


class NashMTLSpec(SurgerySpec):
    """The Nash bargaining solution between the tasks (Navon et al., ICML 2022)."""

    kind: Literal["nash_mtl"] = "nash_mtl"


class IMTLGSpec(SurgerySpec):
    """A direction with equal projections on all gradients (Liu et al., ICLR 2021)."""

    kind: Literal["imtl_g"] = "imtl_g"


class AlignedMTLSpec(SurgerySpec):
    """Aligns the principal components of the gradients (Senushkin et al., CVPR 2023)."""

    kind: Literal["aligned_mtl"] = "aligned_mtl"


class UPGradSpec(SurgerySpec):
    """Mean of the gradients, each projected onto the dual cone of all (Quinton and Rey, 2024, arXiv 2406.16232)."""

    kind: Literal["upgrad"] = "upgrad"


BalancerSpec = Annotated[
    StaticSpec
    | UncertaintySpec
    | GradNormSpec
    | DWASpec
    | PCGradSpec
    | MGDASpec
    | CAGradSpec
    | NashMTLSpec
    | IMTLGSpec
    | AlignedMTLSpec
    | UPGradSpec,
    Field(discriminator="kind"),
]
"""To add a balancer: one spec here, one file with its rule, one line in `funnel.balancing.catalogue`."""
