"""The steps of a run: which files each writes and reads, and which settings decide what it finds."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from mmm_bayes.workspace import Workspace

PANEL = ("panel.parquet", "panel.json")
KEPT = ("kept.parquet", "kept_large.parquet", "kept.json")
"""What a run has kept of its lines, so that the next one reads only the files that were added."""


@dataclass(frozen=True)
class Step:
    """What one step may touch.

    Attributes:
        command: what makes its files.
        done: how a sentence says that it has run.
        files: all that it may write; what it owned and no longer writes goes when it is made anew.
        reads: files of earlier steps; a change of one of them makes it stale.
        decided_by: parts of the configuration whose change makes it stale.
        noted: parts that are recorded only: they change how sure or how fine an answer is, not what is asked.
        not_worth: parts of these two for which ``run`` does not make it anew: a later step uses them itself.
        of_sources: those of its files that come from the source data; they hold while what ``reading`` names does.
        reading: parts of the configuration by which the source data are read, but for those that ``choosing`` names.
        place: folder of its files below ``data/<name>``; ``report`` is the run's folder below ``reports``.
        part_of: the step whose files it adds to; it goes when that step is made anew.
        shows: steps all of whose files it reads where they are there.
    """

    command: str
    done: str
    files: tuple[str, ...]
    reads: dict[str, tuple[str, ...]] = field(default_factory=dict)
    decided_by: tuple[str, ...] = ()
    noted: tuple[str, ...] = ()
    not_worth: tuple[str, ...] = ()
    of_sources: tuple[str, ...] = ()
    reading: tuple[str, ...] = ()
    choosing: tuple[str, ...] = ()
    place: Literal["", "what_if", "report"] = ""
    part_of: str | None = None
    shows: tuple[str, ...] = ()

    def home(self, space: Workspace) -> Path:
        """Return the folder of its files."""
        return space.reports if self.place == "report" else space.data / self.place

    def aside(self, space: Workspace) -> Path:
        """Return the folder that its temporary one is made in, on the same disk as its files."""
        return space.reports if self.place == "report" else space.data


STEPS = {
    "prepare": Step(
        command="prepare",
        done="the panel was prepared",
        files=(
            *PANEL,
            "weekly.parquet",
            "quality.json",
            "evidence.json",
            "features.parquet",
            "quarantine.parquet",
            *KEPT,
            "truth.json",
            "truth.parquet",
            "truth_curves.parquet",
            "truth_factors.parquet",
        ),
        decided_by=("transactions", "spend", "simulate", "panel", "external", "events"),
        noted=("currency", "allocate.weeks", "model.priors", "model.l_max"),
        not_worth=("model.priors",),
        of_sources=("weekly.parquet", "quality.json", "quarantine.parquet", *KEPT),
        reading=("transactions", "spend", "external", "events"),
        choosing=("transactions.kpi", "transactions.kpi_value"),
    ),
    "fit": Step(
        command="fit",
        done="the model was fitted",
        files=(
            *("diagnostics.json", "posterior.nc", "roi.csv", "lift.csv", "contributions.csv", "fit.csv"),
            *("breakdown.csv", "shapes.csv"),
            *("curves.parquet", "lightgbm_roi.csv"),
        ),
        reads={"prepare": PANEL},
        decided_by=("model", "ci_prob"),
        noted=("sampler", "compare.bootstrap", "allocate"),
        not_worth=("allocate",),
    ),
    "compare": Step(
        command="compare",
        done="the models were compared",
        files=("comparison.json", "comparison.csv", "holdout.csv"),
        reads={"prepare": (*PANEL, "truth.json"), "fit": ("roi.csv", "lightgbm_roi.csv")},
        decided_by=("model", "ci_prob", "compare.holdout", "compare.folds"),
        noted=("sampler", "compare.bootstrap"),
    ),
    "allocate": Step(
        command="allocate",
        done="the plan was made",
        files=("allocation.csv", "allocation.json", "frontier.csv", "allocation_curves.parquet"),
        reads={"prepare": PANEL, "fit": ("posterior.nc",)},
        decided_by=("allocate", "ci_prob"),
        noted=("allocate.schedule", "allocate.weekly", "sampler.seed", "compare.bootstrap"),
    ),
    "schedule": Step(
        command="allocate --schedule",
        done="its weeks were chosen",
        files=("schedule.csv", "schedule.json"),
        reads={"prepare": PANEL, "fit": ("posterior.nc",), "allocate": ("allocation.json",)},
        decided_by=("allocate.weekly", "ci_prob"),
        part_of="allocate",
    ),
    "what_if": Step(
        command="allocate --what-if",
        done="the what-if was evaluated",
        files=("allocation.csv", "allocation.json"),
        reads={"prepare": PANEL, "fit": ("posterior.nc",)},
        decided_by=("allocate", "ci_prob"),
        noted=("allocate.schedule", "allocate.weekly", "allocate.budget", "sampler.seed", "compare.bootstrap"),
        place="what_if",
    ),
    "what_if_schedule": Step(
        command="allocate --what-if --schedule",
        done="its weeks were chosen",
        files=("schedule.csv", "schedule.json"),
        reads={"prepare": PANEL, "fit": ("posterior.nc",), "what_if": ("allocation.json",)},
        decided_by=("allocate.weekly", "ci_prob"),
        place="what_if",
        part_of="what_if",
    ),
    "forecast": Step(
        command="forecast",
        done="the forecast was made",
        files=("forecast.csv", "forecast_geos.csv", "forecast.json"),
        reads={"prepare": PANEL, "fit": ("posterior.nc",)},
        decided_by=("allocate", "ci_prob"),
        noted=("allocate.schedule", "allocate.weekly", "sampler.seed"),
        shows=("compare",),
    ),
    "validate": Step(
        command="validate",
        done="the configuration was put on trial",
        files=("validation.json", "validation.csv"),
        reads={"prepare": PANEL, "fit": ("posterior.nc",)},
        decided_by=("allocate", "ci_prob"),
        noted=("allocate.schedule", "allocate.weekly", "sampler"),
    ),
    "report": Step(
        command="report",
        done="the report was written",
        files=("report.html", "report.md", "allocation.xlsx", "figures"),
        noted=("title", "kpi_label", "language", "currency", "ci_prob", "allocate"),
        place="report",
        shows=("prepare", "fit", "compare", "allocate", "schedule", "what_if", "forecast", "validate"),
    ),
}
"""By name, each after those that it reads. This table is the only place that knows who writes what from what."""

OPTIONS = ("transactions.path", "panel.path", "allocate.budget", "allocate.weeks")
"""Settings that decide a step and that the command line may give: without the option they say nothing of that run."""


def needed(name: str) -> list[str]:
    """Return the steps that a step stands on, in their order."""
    found = {before for step in STEPS[name].reads for before in (*needed(step), step)}
    return [step for step in STEPS if step in found]


def parts(name: str) -> list[str]:
    """Return the steps that go when this one is made anew."""
    return [part for part, step in STEPS.items() if step.part_of == name]


def path_of(name: str, file: str) -> str:
    """Return a step's file as the manifest names it: below ``data/<name>``."""
    place = STEPS[name].place
    return f"{place}/{file}" if place else file
