"""The synthetic world as data: laws of people, items and friendships, with the reason for each default."""

from typing import Literal

from pydantic import Field

from funnel.spec import Spec
from funnel.world.laws import Assumptions, ClosenessSpec


class FriendsSpec(ClosenessSpec):
    """The friend graph, a degree-corrected block model with latent closeness on every edge."""

    mean: float = Field(25.0, gt=0)
    """mean friends a user; active connections on a social video product, far fewer than the address book"""
    sigma: float = Field(1.0, ge=0)
    """sd of the log of the expected degree: a heavy tail (the median user has 15 friends, one in twenty over 75), and
    one in a hundred has none"""
    homophily: float = Field(0.6, ge=0, le=1)
    """share of edges drawn inside the user's community: friends share taste (real listeners overlap with friends four
    times as much as with strangers, hetrec2011-lastfm), and many friendships cross communities all the same"""


class DriftSpec(Spec):
    """How a world moves on from round to round. Tastes, creators and the graph stay."""

    days: float = Field(1.0, ge=0)
    """days that pass: items age by so much, and since ages are exponential a share of 1 - exp(-days / age_mean) makes
    room for as many new ones"""
    reactions: float = Field(0.2, ge=0, le=1)
    """share of the public reactions that leave the recent window: it is some five days long"""
    closeness: float = Field(0.02, ge=0, le=1)
    """share of friendships whose closeness is drawn anew, with the messages and contacts that show of it: people grow
    close and apart over some weeks"""


class SyntheticSpec(Assumptions):
    """A synthetic world: the truth that the funnel never sees, and what can be observed of it."""

    kind: Literal["synthetic"] = "synthetic"
    users: int = Field(20_000, ge=2)
    """users; a friend graph needs two"""
    items: int = Field(50_000, ge=10)
    """items in the corpus during the window"""
    creators: int = Field(5_000, ge=1)
    """creators; a heavy-tailed number of items each"""
    dims: int = Field(16, ge=2, le=128)
    """dimensions of taste and topic space"""
    communities: int = Field(40, ge=1)
    """taste communities, which are also the topics of items"""
    community_sigma: float = Field(1.0, ge=0)
    """sd of the log size of communities and topics: a few large, many small"""
    taste_spread: float = Field(0.7, ge=0)
    """sd of a user's taste around the community, in units of the community vector's length: members differ"""
    topic_spread: float = Field(1.0, ge=0)
    """sd of an item's topic around its community topic, same unit: items differ more than people"""
    creator_sigma: float = Field(1.0, ge=0)
    """sd of the log number of items of a creator"""
    creator_share: float = Field(0.5, ge=0, le=1)
    """share of the variance of topic and quality that an item has from its creator"""
    activity_sigma: float = Field(0.8, ge=0)
    """sd of log activity (requests and reactions a user makes)"""
    popularity_sigma: float = Field(1.2, ge=0)
    """sd of log popularity that quality does not explain: few items get most views"""
    popularity_quality: float = Field(0.5, ge=0)
    """log popularity per sd of quality"""
    offers: int = Field(8, ge=1)
    """items met by popularity for each one chosen outside the funnel (history, reactions): enough that taste shows, few
    enough that popularity does, too"""
    past_requests: float = Field(10.0, ge=0)
    """mean requests of a user in the past period that the platform counted"""
    past_views: float = Field(40.0, ge=0)
    """mean views of an item before the window, which its public counters tell"""
    friends: FriendsSpec = FriendsSpec()
    drift: DriftSpec = DriftSpec()
    """what happens between the rounds of a feedback loop"""
