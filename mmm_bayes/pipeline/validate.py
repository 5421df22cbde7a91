"""The step that puts the configuration itself on trial: known truths, placebos, other weeks, other priors."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from mmm_bayes.cache import compile_cache
from mmm_bayes.config import Config
from mmm_bayes.errors import ConfigError, nearest
from mmm_bayes.progress import Progress, silent
from mmm_bayes.provenance import PANEL, Manifest, step
from mmm_bayes.provenance.inputs import settings, versions
from mmm_bayes.workspace import Workspace, remove

if TYPE_CHECKING:
    from mmm_bayes.validate.files import Validation

JOURNAL = ".trials-"
"""How the name of the file begins that a run which was cut off leaves for the next one."""


def validate(
    config: Config,
    root: str | Path = ".",
    progress: Progress = silent,
    replicates: int | None = None,
    only: Sequence[str] = (),
) -> "Validation":
    """Find out how far this configuration can be trusted with data like its own.

    Checks that were made before, on the same fit and question, are kept. What a run that was cut off has done is not
    done again.

    Args:
        config: the run.
        root: folder that holds ``data/`` and ``reports/``.
        progress: told how far it is and what is known so far.
        replicates: simulated panels of each check; `validate.run.REPLICATES` by default.
        only: names of `validate.checks.CHECKS`; all by default.

    Raises:
        ConfigError: there is no such check.
        DataError: there is no fit yet, or it is stale.
        FitError: no trial came to an end.
        MMMError: Spark does not start.
    """
    compile_cache()
    from mmm_bayes.panel import load_panel
    from mmm_bayes.posterior import load_posterior
    from mmm_bayes.validate.checks import CHECKS
    from mmm_bayes.validate.files import save_validation
    from mmm_bayes.validate.run import REPLICATES
    from mmm_bayes.validate.run import validate as put_on_trial
    from mmm_bayes.validate.trials import Subject

    for name in only:
        if name not in CHECKS:
            raise ConfigError(f"there is no check '{name}'; {nearest(name, list(CHECKS))}")
    names, count = [name for name in CHECKS if name in (only or CHECKS)], replicates or REPLICATES
    space = Workspace(config.name, Path(root))
    with step(space, "validate", config, replicates=count, only=names) as work:
        panel = load_panel(work.manifest.checked("prepare", *PANEL))
        posterior = load_posterior(work.manifest.checked("fit", "posterior.nc") / "posterior.nc")
        subject = Subject(config, panel, posterior)
        journal = _journal(work.manifest, config, count)
        found = put_on_trial(subject, names, count, journal, config.spark, progress)
        found = _with_earlier(found, work.manifest, config)
        save_validation(found, work.folder)
    _tidy(journal, found)
    return found


def _journal(manifest: Manifest, config: Config, replicates: int) -> Path:
    """Return the file of what has been done of the same trials: same fit, same settings, same versions."""
    decided = settings(config, ("model", "allocate", "ci_prob", "sampler"))
    text = json.dumps([manifest.inputs_now("validate"), decided, versions(), replicates], sort_keys=True)
    return manifest.space.data / f"{JOURNAL}{hashlib.sha256(text.encode()).hexdigest()[:16]}.jsonl"


def _tidy(journal: Path, found: "Validation") -> None:
    """Remove what runs that were cut off have left, but for outcomes of the same trials that no file has yet."""
    from mmm_bayes.validate.side_by_side import read_journal

    wanted = {check for check, _ in read_journal(journal)} - found.summary.keys()
    for left in journal.parent.glob(f"{JOURNAL}*"):
        if left != journal or not wanted:
            remove(left)


def _with_earlier(found: "Validation", manifest: Manifest, config: Config) -> "Validation":
    """Return what was found now and, of checks not made now, what was found earlier and still holds."""
    from mmm_bayes.validate.checks import CHECKS
    from mmm_bayes.validate.files import Validation, load_validation

    if not manifest.complete("validate") or manifest.stale("validate", config):
        return found
    earlier = load_validation(manifest.checked("validate"))
    summary = {**earlier.summary, **found.summary}
    kept = earlier.outcomes[~earlier.outcomes["check"].isin([*found.summary])]
    order = [*CHECKS].index
    outcomes = pd.concat([kept, found.outcomes]).sort_values("check", key=lambda c: c.map(order), kind="stable")
    return Validation({name: summary[name] for name in CHECKS if name in summary}, outcomes)
