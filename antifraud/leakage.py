"""How much of a flow's goods may honestly turn up in a region: learned from the other flows.

Tourists, parcels, commuters and misplaced scans take goods everywhere, more to a neighbour than
across the country, and more to some regions than to others. What is honest for one flow is judged
by the flows of *other* distributors that are as near to the region or as far from it: a
distributor's own goods never excuse themselves, and flows already found diverted teach nothing.
"""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

from antifraud.e_value import Floats, Mask
from core.regions.tree import EARTH_RADIUS_KM, RegionTree

# What is believed before anything is learned, as a Beta law worth `PRIOR_PERSONS` scans: of a
# flow's scans, 2 % in each neighbouring region, 0.3 % in each one far away.
PRIOR_PERSONS = 150.0
PRIOR_RATE_NEAR = 0.02
PRIOR_RATE_FAR = 0.003
# Flows differ by more than chance, so what they teach never counts as more than this many scans;
# and no single flow (a giant, or one diverted but not yet found) as more than that many.
LEARNED_PERSONS_MAX = 2000.0
LEARNED_PERSONS_MAX_OF_FLOW = 500.0
# The null allows all rates up to this quantile of what is then believed.
QUANTILE = 0.95

# Two places are neighbours when their seats are closer than the sum of their reaches.
REACH_KM = {"county": 75.0, "prefecture": 75.0, "province": 225.0, "country": 225.0}

# The share of all cartons that honestly travel whole to one given region (a banquet, a gift).
CARRIED_NEAR = 1e-4
CARRIED_FAR = 1e-5


def near(tree: RegionTree, homes: Sequence[Collection[str]], units: Sequence[str]) -> Mask:
    """Whether one of the `homes[d]` of distributor d is a neighbour of region `units[u]`: [d, u].

    A distributor of whom no home is known is taken for everyone's neighbour: nobody can say far.
    """
    result = np.ones((len(homes), len(units)), dtype=bool)
    ends, reach = _directions(tree, units), _reaches(tree, units)
    for d, codes in enumerate(homes):
        known = sorted(codes)
        if known:
            cosines = np.clip(_directions(tree, known) @ ends.T, -1.0, 1.0)
            close = EARTH_RADIUS_KM * np.arccos(cosines) <= _reaches(tree, known)[:, None] + reach
            result[d] = close.any(axis=0)
    return result


def at_home(tree: RegionTree, homes: Sequence[Collection[str]], units: Sequence[str]) -> Mask:
    """Whether region `units[u]` lies in a home of distributor d, or a home lies in it: [d, u]."""
    chains = [frozenset(tree.ancestors(unit)) for unit in units]
    result = np.zeros((len(homes), len(units)), dtype=bool)
    for d, codes in enumerate(homes):
        around = {outer for code in codes for outer in tree.ancestors(code)}
        inside = frozenset(tree.canonical(code) for code in codes)
        for u, (unit, chain) in enumerate(zip(units, chains, strict=True)):
            result[d, u] = unit in around or not chain.isdisjoint(inside)
    return result


def rates_max(
    distributor: NDArray[np.intp], persons: Floats, off: Floats, is_near: Mask, teaches: Mask
) -> Floats:
    """The highest honest rate of each flow in each region: [f, u], strictly between 0 and 1.

    Of flow f: `distributor[f]` counts from 0, `persons[f]` scanned it anywhere, `off[f, u]` of them
    in a region that is not its own, `is_near[f, u]` says which kind of region u is to it, and
    `teaches[f, u]` whether others may learn from it there.
    """
    weight = np.minimum(1.0, LEARNED_PERSONS_MAX_OF_FLOW / np.maximum(persons, 1.0))
    result = np.empty_like(off)
    for kind, prior in ((True, PRIOR_RATE_NEAR), (False, PRIOR_RATE_FAR)):
        taught = weight[:, None] * (teaches & (is_near == kind))
        tried = _of_others(distributor, taught * persons[:, None])
        seen = _of_others(distributor, taught * off)
        scale = np.minimum(1.0, LEARNED_PERSONS_MAX / np.maximum(tried, 1.0))
        hits = PRIOR_PERSONS * prior + scale * seen
        misses = PRIOR_PERSONS * (1.0 - prior) + scale * (tried - seen)
        result = np.where(is_near == kind, betaincinv(hits, misses, QUANTILE), result)
    return result


def _of_others(distributor: NDArray[np.intp], values: Floats) -> Floats:
    """For each flow the sum over all flows less that over its own distributor's."""
    own = np.zeros((int(distributor.max(initial=-1)) + 1, values.shape[1]))
    np.add.at(own, distributor, values)
    # Subtraction may leave a rounding error below 0, which no Beta law forgives.
    return np.maximum(values.sum(axis=0) - own[distributor], 0.0)


def _directions(tree: RegionTree, codes: Sequence[str]) -> Floats:
    """Unit vectors from the earth's centre to the seats."""
    degrees = np.array([tree.position(code) for code in codes], dtype=float).reshape(-1, 2)
    lat, lon = np.radians(degrees).T
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)


def _reaches(tree: RegionTree, codes: Sequence[str]) -> Floats:
    reach: Mapping[str, float] = REACH_KM
    return np.array([reach[tree.level(code)] for code in codes])
