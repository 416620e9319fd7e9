"""The tiny world that tests share, and the tiny funnel in one."""

from funnel.world.laws import SurfaceSpec
from funnel.world.synthetic.spec import SyntheticSpec

TINY = SyntheticSpec(users=400, items=900, creators=60, dims=8, communities=6, history=6)

SHOP = TINY.model_copy(
    update={
        "surfaces": {
            "home": SurfaceSpec(share=0.6),
            "search": SurfaceSpec(share=0.25, base={"click": 0.7, "watch": -0.3}, intent=0.8),
            "related": SurfaceSpec(share=0.15, base={"hide": 0.4}, intent=0.5),
        }
    }
)
"""the same people on three surfaces"""

SMALL_FUNNEL = (
    "base.world={users=300, items=500, creators=50, dims=8, communities=6, history=6}",
    "base.traffic={bootstrap_requests=60, requests=80}",
    "base.retrieval.sources={nearest={budget=100}, friends={budget=30}, popular={budget=20}, fresh={budget=10}}",
    "base.stages.early={keep=30, train={batch=128, epochs=1}}",
    "base.stages.late={keep=5, train={batch=128, epochs=1}}",
    "base.evaluation.requests=20",
)
"""assignments that make `quickstart` a matter of seconds"""
