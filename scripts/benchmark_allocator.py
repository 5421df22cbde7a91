"""Print how the allocator does on the field's hard cases, beside the peers, and how long it takes."""

import os
import platform
import sys
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np
from scipy.optimize import minimize

from mmm_bayes.allocate import Plan, allocate
from mmm_bayes.allocate.limits import Bounds, resolve
from mmm_bayes.allocate.objective import Goal
from mmm_bayes.allocate.scenarios import best_plan
from mmm_bayes.allocate.solver import Solution
from mmm_bayes.allocate.uncertainty import MANY_ARMS, best_per_draw, value_of_information
from mmm_bayes.config import Allocate, Limits
from mmm_bayes.curves import ResponseCurves
from mmm_bayes.transforms import Array, hill

S_SHAPED = ((100, 6000, 3), (90, 5000, 3), (60, 4000, 3), (30, 1200, 1))


@dataclass(frozen=True)
class Case:
    """Hill curves ``(beta, kappa, slope)`` per channel, today's spend, the range of each channel, and what a peer did.

    ``meridian`` is the plan's response by Meridian 2.1.0 and the share of the budget that it spent, as measured in
    its own environment; it is not run here.
    """

    name: str
    curves: tuple[tuple[float, float, float], ...]
    today: tuple[float, ...]
    relative: tuple[float, float]
    meridian: str = ""


CASES = (
    Case(
        "4 concave, +-30%",
        ((100, 3000, 1), (60, 2000, 1), (40, 1500, 1), (30, 1200, 1)),
        (4000, 3000, 2000, 1000),
        (0.7, 1.3),
        "130.2",
    ),
    Case("4 mostly S-shaped, +-30%", S_SHAPED, (4000, 3000, 2000, 1000), (0.7, 1.3), "51.7 (88% spent)"),
    Case("4 mostly S-shaped, 0-2x", S_SHAPED, (4000, 3000, 2000, 1000), (0, 2), "69.2 (68% spent)"),
    Case("3 S-shaped, 0-2x", ((100, 3500, 4), (95, 3500, 4), (90, 3500, 4)), (3000,) * 3, (0, 2), "76.2 (52% spent)"),
    Case("1 S-shaped, 7 concave, all free", ((2, 0.7, 3), *((0.5, 0.3, 1),) * 7), (0.125,) * 8, (0, 8)),
)


def case_curves(case: Case, points: int = 401) -> ResponseCurves:
    """Return the curves of a case, one draw."""
    today = np.array(case.today, dtype=float)
    spend = np.linspace(0, 1, points) * case.relative[1] * today[:, None]
    beta, kappa, slope = (np.array(p, dtype=float)[:, None] for p in zip(*case.curves, strict=True))
    names = tuple(f"channel {i}" for i in range(len(today)))
    return ResponseCurves(names, spend, (beta * hill(spend, kappa, slope))[None], today, today, 52)


def slsqp(case: Case, start: Array) -> float:
    """Return the response that SLSQP reaches, with exact gradients and the settings of PyMC-Marketing's optimiser."""
    beta, kappa, slope = (np.array(p, dtype=float) for p in zip(*case.curves, strict=True))
    budget = sum(case.today)

    def gradient(b: Array) -> Array:
        spend = np.maximum(b, 1e-12)
        return -beta * slope * kappa**slope * spend ** (slope - 1) / (spend**slope + kappa**slope) ** 2

    found = minimize(
        lambda b: -float((beta * hill(b, kappa, slope)).sum()),
        start,
        jac=gradient,
        bounds=[(case.relative[0] * t, case.relative[1] * t) for t in case.today],
        constraints={"type": "eq", "fun": lambda b: b.sum() - budget, "jac": np.ones_like},
        method="SLSQP",
        options={"ftol": 1e-9, "maxiter": 1_000},
    )
    return -float(found.fun)


def random_posterior(arms: int, draws: int, seed: int, points: int = 61) -> ResponseCurves:
    """Return Hill curves with slopes from 0.6 to 3, each draw with its own effect, half saturation and slope."""
    rng = np.random.default_rng(seed)
    today = rng.lognormal(11.5, 1, arms)
    spend = np.linspace(0, 2, points) * today[:, None]
    beta = rng.lognormal(0, 1, arms) * today * rng.lognormal(0, 0.4, (draws, arms))
    kappa = rng.lognormal(0, 0.7, arms) * today * rng.lognormal(0, 0.3, (draws, arms))
    slope = rng.uniform(0.6, 3, arms) * rng.lognormal(0, 0.1, (draws, arms))
    names = tuple(f"channel {i:04d}" for i in range(arms))
    response = beta[..., None] * hill(spend[None], kappa[..., None], slope[..., None])
    return ResponseCurves(names, spend, response, today, 1.2 * today, 52)


def cases_table() -> list[str]:
    """Return the hard cases as a Markdown table."""
    rows = [
        "| case | today | ours | certified gap | spent | ms | SLSQP, even start | SLSQP from today | Meridian 2.1.0 |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for case in CASES:
        curves, question = case_curves(case), Allocate(relative=case.relative)
        bounds = resolve(curves, question)
        start = perf_counter()
        best = best_plan(curves.spend, curves.mean, bounds, question)
        took = perf_counter() - start
        plan: Plan = allocate(curves, question)
        now, spent = plan.contribution_now.mean, plan.spend_plan / float(plan.budget or 1)
        gap = (best.bound - best.value) / best.value
        today = np.array(case.today, dtype=float)
        local = [slsqp(case, start) for start in (np.full(len(today), today.mean()), today)]
        rows.append(
            f"| {case.name} | {now:.3f} | {best.value:.3f} | {gap:.4%} | {spent:.0%} | {1e3 * took:.0f} "
            f"| {local[0]:.3f} | {local[1]:.3f} | {case.meridian or 'not measured'} |"
        )
    return rows


def timed(label: str, curves: ResponseCurves, question: Allocate) -> str:
    """Return one row of times: mean-optimal plan with certificate, spread over draws, value of information, all."""
    start = perf_counter()
    bounds: Bounds = resolve(curves, question)
    best: Solution = best_plan(curves.spend, curves.mean, bounds, question)
    mean = perf_counter() - start
    start = perf_counter()
    used = len(best_per_draw(curves, bounds, Goal()).draws)
    spread = perf_counter() - start
    start = perf_counter()
    few = len(curves.channels) <= MANY_ARMS
    worth: Array | None = value_of_information(curves, bounds, Goal(), 0.2) if few else None
    tests = "-" if worth is None else f"{perf_counter() - start:.2f}"
    start = perf_counter()
    allocate(curves, question)
    whole = perf_counter() - start
    gap = (best.bound - best.value) / best.value
    times = f"{mean:.2f} | {gap:.4%} | {spread:.2f} ({used}) | {tests} | {whole:.2f}"
    return f"| {label} | {len(curves.response):,} | {question.relative} | {times} |"


def by_geo(curves: ResponseCurves, geos: int) -> ResponseCurves:
    """Return the same curves as arms ``channel | geo``."""
    names = tuple(f"channel {i // geos:02d} | geo {i % geos:02d}" for i in range(len(curves.channels)))
    return replace(curves, channels=names)


def main() -> None:
    """Print both tables as Markdown."""
    print(f"Python {platform.python_version()}, NumPy {np.__version__}, {os.cpu_count()} cores\n")
    print("\n".join(cases_table()))
    print("\n| plan | draws | range | certified plan, s | gap | spread, s (draws) | tests, s | all of it, s |")
    print("|---|---|---|---|---|---|---|---|")
    near, far = Allocate(objective="mean"), Allocate(objective="mean", relative=(0.0, 2.0))
    limited = far.model_copy(update={"limits": {f"channel {c:02d}": Limits(relative=(0.8, 1.2)) for c in range(20)}})
    few, many, geos = (random_posterior(arms, 1_000, 0) for arms in (8, 20, 1_000))
    for label, curves, question in (
        ("8 channels", few, near),
        ("20 channels", many, near),
        ("20 channels", many, far),
        ("20 channels x 50 geos", by_geo(geos, 50), near),
        ("the same, each channel within 20%", by_geo(geos, 50), limited),
    ):
        print(timed(label, curves, question))
        sys.stdout.flush()


if __name__ == "__main__":
    main()
