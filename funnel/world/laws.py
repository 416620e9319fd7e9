"""What both kinds of world assume, as data: every law with its unit, its default, and the reason for the default.

The defaults were chosen from public facts before any verdict was seen, and none is tuned to a verdict.
"""

from pydantic import Field, field_validator

from funnel.errors import unknown
from funnel.spec import Spec
from funnel.tasks import Law, channel_laws


class ClosenessSpec(Spec):
    """The closeness of a friendship, which nobody observes, and what shows of it."""

    close: float = -1.5
    """logit of the closeness of an edge without mutual friends: few are close, many distant"""
    close_mutual: float = Field(0.5, ge=0)
    """logit of closeness per log(1 + mutual friends)"""
    close_sigma: float = Field(1.2, ge=0)
    """sd of the logit of closeness that nothing observable explains"""
    messages_close: float = Field(3.5, ge=0)
    """log of the mean number of messages, per unit of closeness: a close friend writes some thirty times as much"""
    contact_far: float = 4.5
    """log of the mean days since the last contact with the most distant friend: three months"""
    contact_close: float = Field(3.0, ge=0)
    """what closeness one takes off that log: days instead of months"""


class ReactionsSpec(Spec):
    """Who reacted to what in the recent window, and when a reaction shows as a bubble."""

    mean: float = Field(12.0, gt=0)
    """public reactions in the recent window (some days) of a user of average activity: with 25 friends some hundred
    items carry a bubble, a minority of a pool of a thousand"""
    expressive: float = Field(0.3, ge=0, le=1)
    """share of reactions stronger than a plain like (love, laughter, comment, share in equal parts): the minority"""
    threshold: float = Field(0.6, ge=0, le=1)
    """closeness estimate (a percentile over edges) from which a friend may show as a bubble: the closer four in ten,
    since Meta's threshold is conservative. It is a policy, as the cap is: nothing drawn depends on it"""
    cap: int = Field(3, ge=1, le=8)
    """friends shown on one item at most; the randomised trial went to three"""


class EngagementSpec(Spec):
    """The engagement oracle: how strong each of its terms is. Sensitivities of single tasks stand in `channels`."""

    taste: float = Field(1.0, ge=0)
    """strength of the match between user taste and item topic"""
    quality: float = Field(1.0, ge=0)
    """strength of item quality"""
    position: float = Field(1.0, ge=0)
    """strength of position bias"""
    friend_shift: float = -0.17
    """logit that an item gets for being a friend's: minus the mean cue of a bubble (0.167 in the world of `reels`), so
    that who ignores closeness sees nothing remarkable in friend items (Meta's diagnosis: ranked badly for want of
    closeness, not of quality)"""
    cue: float = Field(0.09, ge=0)
    """logit caused by showing one friend of average closeness: +9 % odds, as each further named friend gave in
    Facebook's randomised social-ad trial; 0 removes the causal effect and leaves homophily"""
    cue_closeness: float = Field(1.0, ge=0)
    """power of (closeness / average closeness) in the cue: strong ties move more"""
    cue_expressive: float = Field(1.5, ge=0)
    """multiplier of the cue for love, laughter, comment and share against a plain like; Meta reports that it is
    stronger and not by how much"""
    cue_decay: float = Field(0.7, ge=0, le=1)
    """share of the effect that each further friend on the item keeps: rising with every friend, by less each time"""
    channels: dict[str, Law] = Field(default_factory=channel_laws)
    """the law of every channel; fields of one can be patched by name"""

    @field_validator("channels")
    @classmethod
    def _all_and_no_other(cls, channels: dict[str, Law]) -> dict[str, Law]:
        known = channel_laws()
        problems = [unknown(name, known, "a channel") for name in channels if name not in known]
        problems += [f"Channel `{name}` should have a law. Found none." for name in known if name not in channels]
        if problems:
            raise ValueError(" ".join(problems))
        return channels


class SurfaceSpec(Spec):
    """One surface of the product: how much of the traffic it has, and how people behave there."""

    share: float = 1.0
    """of the traffic; shares are normalised"""
    base: dict[str, float] = Field(default_factory=dict)
    """logit that each of some channels gets here, by name; the others answer as anywhere"""
    intent: float = Field(0.0, ge=0, le=1)
    """how far what is wanted follows what the request is for, and not the user's lasting taste"""

    @field_validator("share")
    @classmethod
    def _some_traffic(cls, share: float) -> float:
        if not share > 0:
            raise ValueError(
                f"should be above 0. Found {share:g}. A surface without traffic has no log to learn from: take it out."
            )
        return share

    @field_validator("base")
    @classmethod
    def _channels(cls, base: dict[str, float]) -> dict[str, float]:
        known = channel_laws()
        if problems := [unknown(name, known, "a channel") for name in base if name not in known]:
            raise ValueError(" ".join(problems))
        return base


POLICY = ("threshold", "cap")
"""fields of `reactions` that say which friends may show as a bubble"""


class Assumptions(Spec):
    """What every kind of world has to be told, since no data tells it or none might."""

    duration_median: float = Field(20.0, gt=0)
    """median length of a video, seconds"""
    duration_sigma: float = Field(0.7, ge=0)
    """sd of log length"""
    age_mean: float = Field(10.0, gt=0)
    """mean age of an item, days; exponential, so that the corpus turns over steadily"""
    history: int = Field(16, ge=1)
    """videos of the period before the window that the platform remembers a user watched"""
    content_noise: float = Field(0.5, ge=0)
    """noise of the observed content embedding, sd in units of the topic vector's length"""
    reactions: ReactionsSpec = ReactionsSpec()
    engagement: EngagementSpec = EngagementSpec()
    surfaces: dict[str, SurfaceSpec] = Field(default_factory=dict, max_length=16)
    """the surfaces by name; without any the product has one, which nothing tells apart"""

    def draws_as(self, other: "Assumptions") -> bool:
        """Whether both draw the same people, items, friendships and outcomes: they differ in policy at most."""
        policy = {name: getattr(other.reactions, name) for name in POLICY}
        return self.model_copy(update={"reactions": self.reactions.model_copy(update=policy)}) == other
