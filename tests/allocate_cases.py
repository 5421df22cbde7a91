"""Response curves for the tests of the allocator: the hard cases of the field, and random posteriors."""

from typing import Any

import numpy as np

from mmm_bayes.config import Allocate
from mmm_bayes.curves import ResponseCurves
from mmm_bayes.transforms import hill


def exact(**asked: Any) -> Allocate:
    """The question of the exact allocator: the plan of the highest mean, whatever the draws say of it one by one."""
    return Allocate(objective="mean", **asked)


def hill_curves(
    parameters: list[tuple[float, float, float]],
    today: list[float],
    end: float = 2.0,
    points: int = 401,
    draws: int = 1,
    noise: float = 0.0,
    seed: int = 0,
) -> ResponseCurves:
    """Curves ``beta * hill(b, kappa, slope)`` up to ``end`` times today's spend (at least 1), noisy over draws."""
    rng = np.random.default_rng(seed)
    now = np.array(today, dtype=float)
    spend = np.linspace(0, 1, points) * np.where(now > 0, end * now, now.max())[:, None]
    beta, kappa, slope = (np.array(p)[:, None] for p in zip(*parameters, strict=True))
    scale = np.exp(noise * rng.normal(size=(draws, len(now), 1)))
    shift = np.exp(0.5 * noise * rng.normal(size=(draws, len(now), 1)))
    names = tuple(f"channel {i}" for i in range(len(now)))
    return ResponseCurves(names, spend, scale * beta * hill(spend, kappa * shift, slope), now, 1.2 * now, 52)


def random_curves(seed: int, channels: int = 5, draws: int = 60, points: int = 25) -> ResponseCurves:
    """A posterior of Hill curves, S-shaped or not, about some today's spends in currency."""
    rng = np.random.default_rng(seed)
    today = np.round(rng.lognormal(9, 0.7, channels), 2)
    parameters = [(rng.lognormal(0, 0.7) * t, rng.lognormal(0, 0.5) * t, rng.uniform(0.6, 4)) for t in today]
    return hill_curves(parameters, today.tolist(), 2.0, points, draws, 0.4, seed)


def staircase_curves(seed: int, channels: int = 4, draws: int = 20) -> ResponseCurves:
    """Curves as boosted trees give them: flat, then a jump over a short stretch."""
    rng = np.random.default_rng(seed)
    today = np.round(rng.uniform(500, 5_000, channels), 2)
    grid = np.sort(rng.uniform(0.02, 1.98, (channels, 12)), axis=1)
    spend = np.stack([np.sort(np.concatenate([[0.0, 2.0], g, g + 1e-3])) * t for g, t in zip(grid, today, strict=True)])
    jumps = rng.exponential(1.0, (draws, channels, 12)) * today[:, None]
    rises = np.zeros((draws, channels, spend.shape[1]))
    for c in range(channels):
        at = np.searchsorted(spend[c], (grid[c] + 1e-3 - 1e-9) * today[c])
        rises[:, c, at] = jumps[:, c]
    return ResponseCurves(
        tuple(f"channel {i}" for i in range(channels)), spend, np.cumsum(rises, axis=2), today, today, 26, "lightgbm"
    )
