"""A world of either kind: a pure function of its spec, of the data that it names, and of a seed."""

from funnel.world.fitted.spec import FittedSpec
from funnel.world.spec import WorldSpec
from funnel.world.surfaces import with_surfaces
from funnel.world.synthetic import build as synthetic
from funnel.world.world import World


def generate(spec: WorldSpec, seed: int) -> World:
    """Makes the world.

    Raises:
        InputError: the folder of a fitted world breaks its contract.
    """
    if isinstance(spec, FittedSpec):
        # A library that only fitted worlds need is loaded only for them.
        from funnel.world.fitted import build as fitted

        return fitted.build(spec, seed)
    return with_surfaces(synthetic.build(spec, seed), spec.offers)
