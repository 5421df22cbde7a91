"""One real run, shared by every test that needs numbers; and one Spark session."""

import os
import pickle
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from fcntl import LOCK_EX, flock
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from mmm_bayes import pipeline
from mmm_bayes.config import Config, SimulatedChannel, make_config
from mmm_bayes.evidence import evidence, summary
from mmm_bayes.features import save_features
from mmm_bayes.panel import Panel, panel_from_frame, save_panel
from mmm_bayes.posterior import Posterior, load_posterior
from mmm_bayes.provenance import step
from mmm_bayes.simulate import PanelSpec, Simulated, save_truth, simulate_panel
from mmm_bayes.workspace import Workspace, write_json

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

settings.register_profile("here", deadline=None)  # how long an example takes says how busy the machine is
settings.register_profile("ci", settings.get_profile("here"), derandomize=True, print_blob=True)
settings.load_profile("ci" if "CI" in os.environ else "here")  # a clean clone says the same of the same code

CHANNELS = {  # social returns so little that plans move away from it, whatever machine draws
    "tv": SimulatedChannel(pattern="flighted", share=0.04, roi=2.0, alpha=0.5, kappa=0.8, slope=1.5),
    "search": SimulatedChannel(pattern="always_on", share=0.03, roi=3.0, alpha=0.2, kappa=1.0, slope=1.0),
    "social": SimulatedChannel(pattern="flighted", share=0.02, roi=0.7, alpha=0.3, kappa=1.0, slope=1.0),
}


@dataclass(frozen=True)
class Run:
    """All five steps on a simulated panel of 4 geos, 60 weeks and 3 channels."""

    config: Config
    space: Workspace
    simulated: Simulated
    panel: Panel
    fitted: pipeline.Fitted


def small_config(simulated: Simulated, name: str = "small") -> Config:
    """Return the configuration of the shared run."""
    columns = simulated.columns.model_dump(exclude_none=True)
    return make_config(
        {
            "name": name,
            "currency": "£",
            "panel": {"path": "weekly.parquet", **columns},
            "sampler": {"draws": 150, "tune": 200, "chains": 2},
            "compare": {"holdout": 8, "bootstrap": 10},
            "allocate": {"weeks": 13},
        }
    )


@pytest.fixture(scope="session")
def small_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Simulate, fit, compare and allocate once for all workers of a test run; tests only read what it left."""
    simulated = simulate_panel(PanelSpec(geos=4, weeks=60, channels=CHANNELS, seed=3))
    root, base = tmp_path_factory.mktemp("run"), tmp_path_factory.getbasetemp()
    made = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "made"
    made.mkdir(exist_ok=True)
    config, fitted = small_config(simulated).model_copy(update={"folder": made}), made.with_suffix(".pickle")
    with made.with_suffix(".lock").open("w") as lock:
        flock(lock, LOCK_EX)
        if not fitted.exists():
            fitted.write_bytes(pickle.dumps(make_run(config, simulated)))
    shutil.copytree(made, root, dirs_exist_ok=True)
    panel = panel_from_frame(simulated.frame, simulated.columns, config.name)
    return Run(config, Workspace(config.name, root), simulated, panel, pickle.loads(fitted.read_bytes()))


def make_run(config: Config, simulated: Simulated) -> pipeline.Fitted:
    """Do all steps but the report in the configuration's folder."""
    space = Workspace(config.name, config.folder)
    simulated.frame.to_parquet(space.root / "weekly.parquet")
    with step(space, "prepare", config) as work:
        panel = save_panel(simulated.frame, simulated.columns, work.folder, config.name, config.currency)
        write_json(work.folder / "evidence.json", summary(panel, evidence(panel, config.model.priors)))
        save_features(panel, config.model.l_max, work.folder)
        write_json(work.folder / "quality.json", {"source": "simulated", "rows": len(simulated.frame), "notes": []})
        save_truth(simulated.truth, work.folder, config.allocate.weeks)
    fitted = pipeline.fit(config, space.root)
    pipeline.compare(config, space.root)
    pipeline.allocate(config, space.root, force=True)
    return fitted


@pytest.fixture(scope="session")
def small_posterior(small_run: Run) -> Posterior:
    """Return the posterior of the shared run as it was read back from its file."""
    return load_posterior(small_run.space.data / "posterior.nc")


INTERPRETED = {
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
}
"""Tables of some lines are computed in less time than code for them is compiled."""

COMPILED = {"spark.sql.codegen.wholeStage": "true", "spark.sql.codegen.factoryMode": "FALLBACK"}
"""What Spark does where nobody says anything."""


@pytest.fixture(scope="session")
def spark() -> Iterator["SparkSession"]:
    """Start Spark once for the whole run; code under test finds it."""
    from mmm_bayes.prepare.spark import our_rules
    from mmm_bayes.prepare.start import started

    with started(INTERPRETED) as session, our_rules(session):
        yield session


@pytest.fixture(scope="module")
def compiled(spark: "SparkSession") -> Iterator[None]:
    """Let Spark compile what it computes, as it does for users; the tests of a module that asks for it do so, too."""
    from mmm_bayes.prepare.spark import holding

    with holding(spark, COMPILED):  # not `spark_session`, for which tests of threads take turns
        yield
