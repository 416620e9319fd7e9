"""The world as data: every law with its unit, its default, and the reason for the default.

The defaults were chosen from public facts before any verdict was seen, and none is tuned to a verdict.
"""

from typing import Literal

from pydantic import Field

from funnel.spec import Spec
from funnel.tasks import Law, channel_laws


class FriendsSpec(Spec):
    """The friend graph, a degree-corrected block model with latent closeness on every edge."""

    mean: float = Field(25.0, gt=0)
    """mean friends a user; active connections on a social video product, far fewer than the address book"""
    sigma: float = Field(1.0, ge=0)
    """sd of the log of the expected degree: a heavy tail, with some users who have hardly any friend"""
    homophily: float = Field(0.6, ge=0, le=1)
    """share of edges drawn inside the user's community; friends share taste more than strangers do"""
    close: float = -1.5
    """logit of the closeness of an edge without mutual friends: few are close, many distant"""
    close_mutual: float = Field(0.5, ge=0)
    """logit of closeness per log(1 + mutual friends)"""
    close_sigma: float = Field(1.2, ge=0)
    """sd of the logit of closeness that nothing observable explains"""


class ReactionsSpec(Spec):
    """Who reacted to what in the recent window, and when a reaction shows as a bubble."""

    mean: float = Field(12.0, gt=0)
    """public reactions a user in the window (days), for a user of average activity"""
    expressive: float = Field(0.3, ge=0, le=1)
    """share of reactions stronger than a plain like: love, laughter, comment, share in equal parts"""
    threshold: float = Field(0.6, ge=0, le=1)
    """closeness estimate (a percentile over edges) from which a friend may show as a bubble; Meta's is conservative"""
    cap: int = Field(3, ge=1, le=8)
    """friends shown on one item at most"""


class EngagementSpec(Spec):
    """The engagement oracle: how strong each of its terms is. Sensitivities of single tasks stand in `channels`."""

    taste: float = Field(1.0, ge=0)
    """strength of the match between user taste and item topic"""
    quality: float = Field(1.0, ge=0)
    """strength of item quality"""
    position: float = Field(1.0, ge=0)
    """strength of position bias"""
    friend_shift: float = -0.17
    """logit that an item gets for being a friend's: minus the mean cue of a bubble (0.167 in this world), so that who
    ignores closeness sees nothing remarkable in friend items (Meta's diagnosis: ranked badly for want of closeness,
    not of quality)"""
    cue: float = Field(0.09, ge=0)
    """logit caused by showing one friend of average closeness: +9 % odds, as each further named friend gave in
    Facebook's randomised social-ad trial; 0 removes the causal effect and leaves homophily"""
    cue_closeness: float = Field(1.0, ge=0)
    """power of (closeness / average closeness) in the cue: strong ties move more"""
    cue_expressive: float = Field(1.5, ge=0)
    """multiplier of the cue for love, laughter, comment and share against a plain like"""
    cue_decay: float = Field(0.7, ge=0, le=1)
    """share of the effect that each further friend on the item keeps: diminishing returns"""
    channels: dict[str, Law] = Field(default_factory=channel_laws)
    """the law of every channel; fields of one can be patched by name"""


class WorldSpec(Spec):
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
    taste_spread: float = Field(0.7, ge=0)
    """sd of a user's taste around the community, in units of the community vector's length"""
    topic_spread: float = Field(1.0, ge=0)
    """sd of an item's topic around its community topic, same unit"""
    activity_sigma: float = Field(0.8, ge=0)
    """sd of log activity (requests and reactions a user makes)"""
    duration_median: float = Field(20.0, gt=0)
    """median length of a video, seconds"""
    duration_sigma: float = Field(0.7, ge=0)
    """sd of log length"""
    age_mean: float = Field(10.0, gt=0)
    """mean age of an item, days; exponential, so that the corpus turns over steadily"""
    popularity_sigma: float = Field(1.2, ge=0)
    """sd of log popularity that quality does not explain: few items get most views"""
    popularity_quality: float = Field(0.5, ge=0)
    """log popularity per sd of quality"""
    history: int = Field(16, ge=1)
    """videos of the period before the window that the platform remembers a user watched"""
    content_noise: float = Field(0.5, ge=0)
    """noise of the observed content embedding, sd in units of the topic vector's length"""
    past_views: float = Field(40.0, ge=0)
    """mean views of an item before the window, which its public counters tell"""
    friends: FriendsSpec = FriendsSpec()
    reactions: ReactionsSpec = ReactionsSpec()
    engagement: EngagementSpec = EngagementSpec()
