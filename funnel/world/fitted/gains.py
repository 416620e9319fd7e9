"""What an interaction says of taste: which ones speak for the item, and how loudly."""

import numpy as np

from funnel.intake.dataset import Dataset


def gains(data: Dataset) -> np.ndarray:
    """float32 (n,): how much each interaction speaks for its item; 1 at a typical weight, 0 where it does not.

    A gain is log2(1 + weight / typical), so that a favourite played a hundred times as often counts some seven times as
    much (Hu, Koren and Volinsky 2008, eq. 6, a logarithm of the weight). Typical is the median weight; of ratings it is
    the mean of the user's own, since one user's four is another's two, and what is rated lower does not speak for the
    item.
    """
    if data.measure == "rating":
        mean = np.bincount(data.user, data.weight) / np.bincount(data.user)
        typical = mean[data.user].astype(np.float32)
        # A user who gives everything the same rating must not lose it all to the rounding of a mean.
        speaks = data.weight >= typical * np.float32(1 - 1e-5)
        return np.where(speaks, np.log2(1 + data.weight / typical), 0).astype(np.float32)
    return np.log2(1 + data.weight / np.median(data.weight)).astype(np.float32)
