"""How strongly the first scans of a flow of goods speak against honest leakage, as an e-value.

The null for one flow (a distributor's sales of a product) and one region: each carton's scans land
there independently with a probability of at most `rate_max`, except that a carton in a share
`carried` of all cartons may have travelled there whole (a banquet, a gift), whatever its scans do.

The e-value multiplies one bounded factor per carton. R is the beta-binomial likelihood ratio of
"diverted" (a rate drawn from a Beta law truncated to what lies above `rate_max`) to "leaked". With
q the share of diverted cartons and C the clip, a carton contributes

    (1 - q + q min(R, C)) / (1 + carried q (C - 1)).

Given honest scans the numerator is a supermartingale of mean at most 1 (R is a mixture of
likelihood ratios that grow with the hits, so a lower rate only lowers it); given a carried carton
it is at most 1 - q + qC; the denominator, paid when the carton first appears, pays for their mix.
So the product is bounded by a supermartingale at every moment, and by Ville's inequality it passes
1/a with a probability of at most a, however often one looks. Averaging over a grid of q and C
keeps that, since a mean of such processes is one again.

Sources: Robbins, "Statistical methods related to the law of the iterated logarithm" (1970) for the
mixture; Howard, Ramdas, McAuliffe, Sekhon, "Time-uniform, nonparametric, nonasymptotic confidence
sequences" (2021) for looking continually; Huber, "A robust version of the probability ratio test"
(1965), and Saha, Ramdas, "Huber-robust likelihood ratio tests" (2024) for the clip.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betaln, logsumexp

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

# The law of a diverted carton's rate: mostly all of it is sold there, some scans are misplaced.
DIVERTED_A, DIVERTED_B = 4.0, 1.0
# Shares of diverted cartons that are tried: from one in a thousand to nearly all.
SHARES = np.geomspace(0.001, 0.95, 16)
# Clips, as multiples of 1 / carried: the first makes most of whole cartons, the second costs
# little when the evidence is many single scans.
CLIPS = np.array([1.0, 1.0 / 30.0])


def log_e_value(hits: Ints, sizes: Ints, cartons: Ints, rate_max: float, carried: float) -> float:
    """The natural logarithm of the e-value against honest leakage; finite.

    `cartons[i]` cartons have `sizes[i]` placed scans each, `hits[i]` of them in the region.
    `rate_max` and `carried` lie strictly between 0 and 1.
    """
    ratios = np.exp(np.minimum(_log_ratio(hits, sizes, rate_max), np.log(1.0 / carried)))
    clips = np.maximum(CLIPS / carried, 1.0)[:, None, None]
    shares = SHARES[None, :, None]
    gains = np.log1p(shares * (np.minimum(ratios[None, None, :], clips) - 1.0))
    prices = np.log1p(carried * shares * (clips - 1.0))
    logs = ((gains - prices) * cartons).sum(axis=2)
    return float(logsumexp(logs) - np.log(logs.size))


def _log_ratio(hits: Ints, sizes: Ints, rate_max: float) -> Floats:
    """log R: truncated beta-binomial of the diverted, over binomial at `rate_max`."""
    a, b = DIVERTED_A + hits, DIVERTED_B + sizes - hits
    with np.errstate(divide="ignore"):  # a logarithm of 0 is a ratio of 0: no evidence
        above = np.log(betainc(b, a, 1.0 - rate_max))
    prior_above = np.log(betainc(DIVERTED_B, DIVERTED_A, 1.0 - rate_max))
    diverted = betaln(a, b) + above - betaln(DIVERTED_A, DIVERTED_B) - prior_above
    leaked = hits * np.log(rate_max) + (sizes - hits) * np.log1p(-rate_max)
    result: Floats = diverted - leaked
    return result


def e_bh(log_e: Floats, hypotheses: int, alpha: float) -> Mask:
    """Which of the hypotheses are rejected, at a false discovery rate of at most `alpha`.

    `hypotheses` counts all of them, also those left out of `log_e` because their e-value can't
    matter. The k largest are rejected for the largest k whose k-th e-value is at least
    hypotheses / (alpha k). It holds under any dependence: Wang, Ramdas, "False discovery rate
    control with e-values" (2022). When nothing is diverted at all, a rejection means that the mean
    of the e-values passed 1 / alpha: with continual looking too, that ever happens with a
    probability of at most `alpha`.
    """
    order = np.argsort(-log_e, kind="stable")
    ranks = np.arange(1, len(log_e) + 1)
    passed = np.flatnonzero(log_e[order] >= np.log(hypotheses / alpha) - np.log(ranks))
    rejected = np.zeros(len(log_e), dtype=bool)
    if len(passed):
        rejected[order[: passed[-1] + 1]] = True
    return rejected
