"""Timing: do friends come to the same item at about the same time, more than their own calendars make them?

Taste alone says what two friends share and not when. Of all items that both ends of a friendship have, the share that
they came to within a month of each other is held against the same share after every user's times were dealt anew among
the user's own items (a shuffle test after Anagnostopoulos, Kumar and Mahdian 2008). Dealing inside a user keeps when
the user was active at all, which friends share, too; what all people came to at one time, such as a new release, is
seen on stand-ins of like taste, who have the fashion and not the friendship.

*Not* compared is whether the friend came first or last. Friendships here have no direction, so each pair that shares an
item is a friend who came before, seen from one end, and a friend who came after, seen from the other: the counts are
equal whatever the truth (reversing edges tells something of directed ties only).
"""

import numpy as np

from funnel.candidates import position_in
from funnel.rng import stream
from funnel.world.bubbles import ranges
from funnel.world.fitted.clustered import Clustered, log_odds, ratio
from funnel.world.fitted.social.strangers import Directed

Events = tuple[np.ndarray, np.ndarray, np.ndarray]
"""user, item, time in seconds; a pair may have several"""
MONTH = 30 * 86_400
"""seconds that two users may lie apart and still count as together"""
DEALS = 20
"""times that a user's times are dealt anew"""
CHUNK = 50_000
"""friendships whose shared items are sought at a time"""
OWNERS = 2.0
"""of a shared item"""
LEAST = 100
"""shared items, together and apart, from which odds are told"""


class Calendar:
    """When each user first came to each item."""

    def __init__(self, events: Events, users: int, items: int):
        user, item, time = events
        self.items = items
        keys = user.astype(np.int64) * items + item
        order = np.lexsort((time, keys))
        first = order[np.diff(keys[order], prepend=-1) > 0]
        self.keys, self.user, self.time = keys[first], user[first], time[first]
        self.offsets = np.searchsorted(self.user, np.arange(users + 1))

    def shared(self, pairs: Directed) -> tuple[np.ndarray, np.ndarray]:
        """int64 (m,) twice: of every item that both of a pair have, the rows of either."""
        found = [self._shared(pairs.where(slice(start, start + CHUNK))) for start in range(0, len(pairs.user), CHUNK)]
        mine, theirs = (np.concatenate([np.zeros(0, np.int64), *parts]) for parts in zip(*found, strict=True))
        return mine, theirs

    def _shared(self, pairs: Directed) -> tuple[np.ndarray, np.ndarray]:
        counts = self.offsets[pairs.user + 1] - self.offsets[pairs.user]
        pair = np.repeat(np.arange(len(counts)), counts)
        mine = ranges(self.offsets[pairs.user], counts)
        keys = pairs.other[pair].astype(np.int64) * self.items + self.keys[mine] % self.items
        theirs = position_in(keys, self.keys)
        both = theirs >= 0
        return mine[both], theirs[both]

    def dealt(self, seed: int, deal: int) -> np.ndarray:
        """float64: the times, dealt anew inside each user."""
        lot = stream(seed, "social", "timing", deal).random(len(self.time))
        return self.time[np.lexsort((lot, self.user))]


def together(calendar: Calendar, pairs: Directed, seed: int) -> Clustered | None:
    """The log odds ratio of coming to a shared item within a month: as it was, against times dealt anew.

    A shared item has two owners, and a friendship is seen from both ends. So each counts wholly for either owner in the
    error (dyadic clusters; Fafchamps and Gubert 2007), where we leave out what they take off again for pairs counted
    twice: intervals are rather too long.

    Returns:
        None where fewer than `LEAST` shared items lie on either side.
    """
    mine, theirs = calendar.shared(pairs)
    was = _near(calendar.time, mine, theirs)
    if min(was.sum(), len(was) - was.sum()) < LEAST:
        return None
    dealt = np.mean([_near(calendar.dealt(seed, deal), mine, theirs) for deal in range(DEALS)], axis=0)
    owners = np.concatenate([calendar.user[mine], calendar.user[theirs]])
    by_user = [np.bincount(owners, np.tile(rows, 2), pairs.users) for rows in (was, dealt, np.ones(len(was)))]
    found = log_odds(ratio(by_user[0], by_user[2])) - log_odds(ratio(by_user[1], by_user[2]))
    return found.scaled(found.value, OWNERS)


def _near(time: np.ndarray, mine: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """float64 (m,): 1 where the two came within a month of each other."""
    return (np.abs(time[mine] - time[theirs]) <= MONTH).astype(np.float64)
