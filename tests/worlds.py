"""The tiny world that tests share."""

from funnel.world.spec import WorldSpec

TINY = WorldSpec(users=400, items=900, creators=60, dims=8, communities=6, history=6)
