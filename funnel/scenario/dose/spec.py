"""The scenario of kind `bubble_dose`: a funnel serves, and for a share of bubbles a lot says how many friends show."""

from typing import Literal

from pydantic import Field

from funnel.scenario.heading import BasedHeading, Heading
from funnel.scenario.spec import Origin
from funnel.stages.spec import FunnelSpec


class DoseHeading(Heading):
    """What is the same in the file and in the resolved scenario."""

    kind: Literal["bubble_dose"] = "bubble_dose"
    share: float = Field(0.5, gt=0, lt=1)
    """share of bubbles whose number of friends shown is drawn; the rest show all, as always, so that both slopes come
    from traffic of one funnel"""


class DoseFile(DoseHeading, BasedHeading):
    """The scenario as it is written; its base is the funnel that serves."""


class DoseSpec(DoseHeading):
    """The scenario resolved."""

    base: FunnelSpec
    """the funnel that serves: trained on round 0, and blind to friends unless the patch says otherwise"""
    origin: Origin
