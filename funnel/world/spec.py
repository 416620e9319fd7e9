"""The world as data: drawn from laws, or fitted to data that a user brings."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Discriminator, Tag

from funnel.world.fitted.spec import FittedSpec
from funnel.world.synthetic.spec import SyntheticSpec


def _kind(world: Any) -> str:
    """A world that does not name its kind is synthetic."""
    found = world.get("kind", "synthetic") if isinstance(world, Mapping) else getattr(world, "kind", "synthetic")
    return str(found)


WorldSpec = Annotated[
    Annotated[SyntheticSpec, Tag("synthetic")] | Annotated[FittedSpec, Tag("fitted")], Discriminator(_kind)
]
