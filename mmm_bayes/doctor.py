"""What the steps need of a machine: each part is ok, or what to do about it is said."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version

from mmm_bayes.cache import compile_cache
from mmm_bayes.console import Terminal
from mmm_bayes.errors import ExtraError, MMMError
from mmm_bayes.extras import require

GIB = 2**30
LEAST_MEMORY = 4 * GIB
LEAST_DISK = 1 * GIB


def python() -> str:
    """Return the version of the running interpreter."""
    return f"{sys.version.split()[0]} ({sys.executable})"


def memory() -> str:
    """Return the memory of the machine, or say that it is little."""
    size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if size < LEAST_MEMORY:
        raise MMMError(f"{size / GIB:.1f} GiB; large panels need 4 GiB: close other programs or use fewer chains.")
    return f"{size / GIB:.1f} GiB"


def cache() -> str:
    """Return the folder of compiled code, or say that the disk is full."""
    folder = compile_cache()
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if free < LEAST_DISK:
        raise MMMError(f"{folder}: {free / GIB:.1f} GiB free; free 1 GiB, or set base_compiledir in PYTENSOR_FLAGS.")
    return f"{folder} ({free / GIB:.0f} GiB free)"


def java() -> str:
    """Return the Java that Spark will run on."""
    require("spark")
    from mmm_bayes.prepare.java import java_home

    with java_home() as home:
        program = home / "bin" / "java"
        answer = subprocess.run([program, "-version"], capture_output=True, text=True, check=True)
    return f"{answer.stderr.splitlines()[0]} ({program})"


def spark() -> str:
    """Start Spark, let it count and return its version."""
    require("spark")
    from mmm_bayes.prepare.spark import spark_session

    with spark_session() as spark:
        spark.range(1000).count()
        return f"{spark.version} ({spark.conf.get('spark.master')})"


def lightgbm() -> str:
    """Return the version of LightGBM."""
    require("lightgbm")
    return version("lightgbm")


def sampler() -> str:
    """Compile and sample a small model and return the number of draws."""
    from mmm_bayes.config import Model, Sampler
    from mmm_bayes.model.design import build_design
    from mmm_bayes.model.sample import sample_design
    from mmm_bayes.panel import panel_from_frame
    from mmm_bayes.simulate import PanelSpec, simulate_panel

    made_up = simulate_panel(PanelSpec(geos=1, weeks=60))
    panel = panel_from_frame(made_up.frame, made_up.columns, "doctor")
    settings = Sampler(draws=100, tune=200, chains=2)
    posterior = sample_design(build_design(panel, Model()), Model(), settings, lambda message, done: None)
    return f"{posterior.draws} draws"


CHECKS: dict[str, tuple[Callable[[], str], bool]] = {
    "python": (python, True),
    "memory": (memory, False),
    "cache": (cache, True),
    "java": (java, True),
    "spark": (spark, True),
    "lightgbm": (lightgbm, False),
    "sampler": (sampler, True),
}
"""The checks by name, and whether the steps cannot do without. An extra that is not installed is only mentioned."""


WITHOUT = {
    "java": "It is for Spark only.",
    "spark": "Only raw transactions need it; weekly panels do not.",
    "lightgbm": "Without it there is no second opinion on ROI and forecasts.",
}
"""What is lost without an extra."""


def examine(terminal: Terminal) -> bool:
    """Print a line for each check and return whether all essential parts are there."""
    healthy = True
    for name, (check, essential) in CHECKS.items():
        try:
            with terminal.step(name) as step:
                step.summary = check()
        except ExtraError as missing:
            terminal.fail(name, f"{missing} {WITHOUT[name]}")
        except MMMError as problem:
            terminal.fail(name, str(problem))
            healthy = healthy and not essential
        except Exception as problem:  # whatever is wrong with a library, the other checks are still of use
            terminal.fail(name, f"{type(problem).__name__}: {problem}; 'make clean test' installs everything anew.")
            healthy = healthy and not essential
    return healthy
