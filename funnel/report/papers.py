"""The papers that a run relies on: those of the parts that its funnels have, and of the measures on every page."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from funnel.patch import leaves


@dataclass(frozen=True)
class Paper:
    """One reference."""

    use: str
    """what it is the source of"""
    text: str
    """who, what, where"""
    link: str
    where: str = ""
    """words of a spec's path, joined by dots, at which a part of this paper stands; "" is in every run"""
    value: str | tuple[str, ...] | None = None
    """what stands there, or one of what may; None is anything"""


def papers(specs: Iterable[dict[str, Any]]) -> list[Paper]:
    """The papers that apply to resolved scenarios, as `spec.json` holds them."""
    funnels = [funnel for spec in specs for funnel in (spec["base"], *spec["arms"].values())]
    said = [leaf for funnel in funnels for leaf in leaves(funnel)]
    return [paper for paper in PAPERS if any(_applies(paper, path, value) for path, value in said)]


def _applies(paper: Paper, path: str, value: Any) -> bool:
    if not paper.where:
        return True
    known = paper.value if isinstance(paper.value, tuple) else (paper.value,)
    return f".{paper.where}." in f".{path}." and value not in (None, False) and (None in known or value in known)


def _model(kind: str, use: str, text: str, link: str) -> Paper:
    return Paper(use, text, link, "model.kind", kind)


def _balancer(kind: str, use: str, text: str, link: str) -> Paper:
    return Paper(use, text, link, "balancer.kind", kind)


PAPERS = (
    Paper(
        "the case",
        "Friend Bubbles: enhancing social discovery on Facebook Reels. Engineering at Meta, 2026",
        "https://engineering.fb.com/2026/03/18/ml-applications/friend-bubbles-enhancing-social-discovery-on-facebook-reels/",
        "formula.bubble_engage",
    ),
    Paper(
        "friend graph",
        "Karrer, Newman. Stochastic blockmodels and community structure in networks. Physical Review E 83, 2011",
        "https://doi.org/10.1103/PhysRevE.83.016107",
        "world.friends.homophily",
    ),
    Paper(
        "size of the social cue",
        "Bakshy, Eckles, Yan, Rosenn. Social influence in social advertising: evidence from field experiments. EC 2012",
        "https://arxiv.org/abs/1206.4327",
        "world.engagement.cue",
    ),
    Paper(
        "tastes of a fitted world",
        "Hu, Koren, Volinsky. Collaborative filtering for implicit feedback datasets. ICDM 2008",
        "https://doi.org/10.1109/ICDM.2008.22",
        "world.factors",
    ),
    Paper(
        "friends against strangers of like taste",
        "Aral, Muchnik, Sundararajan. Distinguishing influence-based contagion from homophily-driven diffusion in "
        "dynamic networks. PNAS 106, 2009",
        "https://doi.org/10.1073/pnas.0908800106",
        "world.source",
    ),
    Paper(
        "times dealt anew",
        "Anagnostopoulos, Kumar, Mahdian. Influence and correlation in social networks. KDD 2008",
        "https://doi.org/10.1145/1401890.1401897",
        "world.source",
    ),
    Paper(
        "what observed friends cannot tell",
        "Shalizi, Thomas. Homophily and contagion are generically confounded in observational social network studies. "
        "Sociological Methods & Research 40, 2011",
        "https://arxiv.org/abs/1004.4704",
        "world.source",
    ),
    Paper(
        "two towers and their loss",
        "Yi et al. Sampling-bias-corrected neural modeling for large corpus item recommendations. RecSys 2019",
        "https://doi.org/10.1145/3298689.3346996",
        "towers",
    ),
    Paper(
        "inverted file",
        "Sivic, Zisserman. Video Google: a text retrieval approach to object matching in videos. ICCV 2003",
        "https://doi.org/10.1109/ICCV.2003.1238663",
        "index.kind",
        "inverted_file",
    ),
    Paper(
        "neighbour graph",
        "Malkov, Yashunin. Efficient and robust approximate nearest neighbor search using hierarchical navigable small "
        "world graphs. IEEE TPAMI, 2018",
        "https://arxiv.org/abs/1603.09320",
        "index.kind",
        "hnsw",
    ),
    _model(
        "shared_bottom",
        "shared bottom",
        "Caruana. Multitask learning. Machine Learning 28, 1997",
        "https://doi.org/10.1023/A:1007379606734",
    ),
    _model(
        "esmm",
        "entire-space model",
        "Ma et al. Entire space multi-task model: an effective approach for estimating post-click conversion rate. "
        "SIGIR 2018",
        "https://arxiv.org/abs/1804.07931",
    ),
    _model(
        "mmoe",
        "mixture of experts",
        "Ma et al. Modeling task relationships in multi-task learning with multi-gate mixture-of-experts. KDD 2018",
        "https://doi.org/10.1145/3219819.3220007",
    ),
    _model(
        "ple",
        "progressive layered extraction",
        "Tang, Liu, Zhao, Gong. Progressive layered extraction (PLE): a novel multi-task learning model for "
        "personalized recommendations. RecSys 2020",
        "https://doi.org/10.1145/3383313.3412236",
    ),
    _model(
        "tower_tree",
        "surfaces as tasks",
        "Unifying ads engagement modeling across Pinterest surfaces. Pinterest Engineering, 2026",
        "https://medium.com/pinterest-engineering/unifying-ads-engagement-modeling-across-pinterest-surfaces-4b5cd3d99e67",
    ),
    Paper(
        "calibration by a line",
        "Platt. Probabilistic outputs for support vector machines. 1999; compared by Niculescu-Mizil, Caruana. "
        "Predicting good probabilities with supervised learning. ICML 2005",
        "https://doi.org/10.1145/1102351.1102430",
        "calibration",
        ("source", "platt", "surface_platt"),
    ),
    Paper(
        "calibration by a rising curve",
        "Zadrozny, Elkan. Transforming classifier scores into accurate multiclass probability estimates. KDD 2002",
        "https://doi.org/10.1145/775047.775151",
        "calibration",
        ("isotonic", "surface_isotonic"),
    ),
    _balancer(
        "uncertainty",
        "weights by task noise",
        "Kendall, Gal, Cipolla. Multi-task learning using uncertainty to weigh losses. CVPR 2018",
        "https://arxiv.org/abs/1705.07115",
    ),
    _balancer(
        "gradnorm",
        "weights by gradient norms",
        "Chen et al. GradNorm: gradient normalization for adaptive loss balancing in deep multitask networks. "
        "ICML 2018",
        "https://arxiv.org/abs/1711.02257",
    ),
    _balancer(
        "dwa",
        "dynamic weight average",
        "Liu, Johns, Davison. End-to-end multi-task learning with attention. CVPR 2019",
        "https://arxiv.org/abs/1803.10704",
    ),
    _balancer(
        "pcgrad",
        "gradient surgery",
        "Yu et al. Gradient surgery for multi-task learning. NeurIPS 2020",
        "https://arxiv.org/abs/2001.06782",
    ),
    _balancer(
        "mgda",
        "least-norm direction",
        "Sener, Koltun. Multi-task learning as multi-objective optimization. NeurIPS 2018",
        "https://arxiv.org/abs/1810.04650",
    ),
    _balancer(
        "cagrad",
        "conflict-averse direction",
        "Liu et al. Conflict-averse gradient descent for multi-task learning. NeurIPS 2021",
        "https://arxiv.org/abs/2110.14048",
    ),
    _balancer(
        "nash_mtl",
        "bargaining between tasks",
        "Navon et al. Multi-task learning as a bargaining game. ICML 2022",
        "https://arxiv.org/abs/2202.01017",
    ),
    _balancer(
        "imtl_g",
        "equal projections",
        "Liu et al. Towards impartial multi-task learning. ICLR 2021",
        "https://openreview.net/forum?id=IMPnRXEWpvr",
    ),
    _balancer(
        "aligned_mtl",
        "aligned components",
        "Senushkin et al. Independent component alignment for multi-task learning. CVPR 2023",
        "https://arxiv.org/abs/2305.19000",
    ),
    _balancer(
        "upgrad",
        "projection onto the dual cone",
        "Quinton, Rey. Jacobian descent for multi-objective optimization. 2024",
        "https://arxiv.org/abs/2406.16232",
    ),
    Paper(
        "distillation of scores",
        "Ba, Caruana. Do deep nets really need to be deep? NeurIPS 2014",
        "https://arxiv.org/abs/1312.6184",
        "distil.kind",
        "pointwise",
    ),
    Paper(
        "distillation of a list",
        "Cao et al. Learning to rank: from pairwise approach to listwise approach. ICML 2007",
        "https://doi.org/10.1145/1273496.1273513",
        "distil.kind",
        "listwise",
    ),
    Paper(
        "distillation of pairs",
        "Burges et al. Learning to rank using gradient descent. ICML 2005",
        "https://doi.org/10.1145/1102351.1102363",
        "distil.kind",
        "pairwise",
    ),
    Paper(
        "privileged features",
        "Xu et al. Privileged features distillation at Taobao recommendations. KDD 2020",
        "https://arxiv.org/abs/1907.05171",
        "privileged",
    ),
    Paper(
        "joint recall of a cascade; joint training where an arm has it",
        "Wang et al. Learning cascade ranking as one network. 2025",
        "https://arxiv.org/abs/2503.09492",
    ),
    Paper(
        "soft recall; budgets by request where an arm has them",
        "Meta, on the trade of compute and quality in multi-stage ranking. KDD 2024",
        "https://doi.org/10.1145/3637528.3671593",
    ),
    Paper("winner's curse", "Meta, on calibration after selection. 2025", "https://arxiv.org/abs/2502.06834"),
    Paper(
        "shares of regret",
        "Shapley. A value for n-person games. Contributions to the Theory of Games II, 1953",
        "https://doi.org/10.1515/9781400881970-018",
    ),
    Paper(
        "p values of many arms",
        "Holm. A simple sequentially rejective multiple test procedure. Scandinavian Journal of Statistics 6, 1979",
        "https://www.jstor.org/stable/4615733",
    ),
)
"""To add one: one entry, whose `where` is what a spec says when the paper's part is in it."""
