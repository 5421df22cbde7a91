"""The model compiled by JAX, which runs on a GPU where there is one; its operations in JAX's words."""

from importlib.util import find_spec
from typing import Any

import numpy as np

from mmm_bayes import transforms
from mmm_bayes.config import Model
from mmm_bayes.errors import FitError
from mmm_bayes.model.arrays import zero_sum_basis
from mmm_bayes.model.design import Design
from mmm_bayes.model.start import start_of
from mmm_bayes.transforms import FLOOR, NOTHING, drift_step, effect_scale


def compile_jax(design: Design, model: Model) -> Any:
    """Return what nutpie samples from; chains start where those of the Numba backend begin to climb.

    Raises:
        FitError: JAX is not installed.
    """
    if find_spec("jax") is None:
        raise FitError(
            "sampler.backend 'jax' needs the package jax; install it with pip install 'mmm-bayes[gpu]', or use numba."
        )
    import nutpie

    from mmm_bayes.model.graph import build_model, kept_variables

    _teach_jax()
    graph = build_model(design, model)
    effect = graph["log_effect"]  # JAX takes sizes as they are, so no start may depend on one
    graph.rvs_to_initial_values[effect] = graph.rvs_to_initial_values[effect].eval()
    start = start_of(design)
    named = {name.removesuffix("_log__"): _constrained(name, value) for name, value in start.items()}
    placed = {v.name: named[v.name] for v in graph.free_RVs if v.name in named}
    free = {v for v in graph.free_RVs if v.name not in placed}
    return nutpie.compile_pymc_model(
        graph,
        backend="jax",
        gradient_backend="jax",
        initial_points=placed,
        jitter_rvs=free,
        var_names=kept_variables(graph),
    )


def _constrained(name: str, value: Any) -> Any:
    return np.exp(value) if name.endswith("_log__") else value


def _teach_jax() -> None:
    """Tell PyTensor how JAX evaluates the operations of this package; JAX finds their gradients itself."""
    from pytensor.link.jax.dispatch import jax_funcify

    from mmm_bayes.model.operations import Kernel

    functions = {"media_effect": media_effect, "weighted": weighted, "departing": departing, "surprises": surprises}
    jax_funcify.register(Kernel, lambda op, **_: functions[op.kind])


def media_effect(
    media: Any, money: Any, weights: Any, log_kappa: Any, slope: Any, log_effect: Any, departure: Any
) -> tuple[Any, ...]:
    """Return the outputs of `fused.forward`."""
    import jax.numpy as jnp

    log_adstock = jnp.log(FLOOR + transforms.adstock(media, weights[:, None], weights.shape[1]))
    hill = 1 / (1 + jnp.exp(slope[:, None, None] * (log_kappa[:, None, None] - log_adstock)))
    saturation = jnp.where(log_adstock > np.log(FLOOR + NOTHING), hill, 0.0)
    response = saturation * jnp.exp(departure)[:, :, None]
    spread, value = effect_scale(response, money)
    effect = transforms.media_effect(response, jnp.exp(log_effect) / spread)
    return effect, jnp.log(spread), jnp.log(value), saturation, log_adstock


def weighted(coefficient: Any, values: Any) -> Any:
    """Return the sum of `features.weighted`."""
    return (coefficient[:, :, None] * values).sum(axis=0)


def departing(common: Any, spread: Any, z: Any, values: Any) -> tuple[Any, Any]:
    """Return the outputs of `features.departing`."""
    own = common[:, None] + spread[:, None] * (z.T @ zero_sum_basis(len(z) + 1))
    return weighted(own, values), own


def surprises(
    residual: Any, raw: Any, decay: Any, weight: Any, share: Any, spread: Any, seen: Any
) -> tuple[Any, Any, Any]:
    """Return the outputs of `drift.forward`."""
    import jax
    import jax.numpy as jnp

    def week(state: Any, data: tuple[Any, Any, Any]) -> tuple[Any, tuple[Any, Any, Any]]:
        now, own, known = data
        ahead = known * (now - weight * state)
        shock = spread * own + (share * ahead).sum()
        surprise = ahead - known * shock
        return drift_step(state, weight * state + surprise, decay), (surprise, shock, state)

    found = jax.lax.scan(week, jnp.zeros_like(decay), (residual.T, raw, seen.T))[1]
    return found[0].T, found[1], found[2].T
