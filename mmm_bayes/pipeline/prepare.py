"""The step from transactions, or a table of one's own, to a checked panel; and the transactions of the demo."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from shutil import copy2, copytree
from typing import TYPE_CHECKING, Any

from mmm_bayes.config import Config, PanelSource, Transactions, load_config, override
from mmm_bayes.errors import ConfigError, DataError
from mmm_bayes.extras import installed, require
from mmm_bayes.progress import Progress, silent
from mmm_bayes.provenance import KEPT, STEPS, Manifest, held, step
from mmm_bayes.workspace import Workspace, write_json

if TYPE_CHECKING:
    import pandas as pd

    from mmm_bayes.findings import Finding
    from mmm_bayes.panel import Panel
    from mmm_bayes.prepare import Prepared


def prepare(
    config: Config,
    root: str | Path = ".",
    progress: Progress = silent,
    session: Any = None,
    **given: Any,
) -> "Panel":
    """Turn transactions, or a weekly table that the user brings, into a checked panel.

    Args:
        config: names the source.
        root: folder that holds ``data/`` and ``reports/``.
        progress: told what is being done.
        session: of Spark (classic or Connect), where the caller has one; it has its settings back afterwards.
        given: DataFrames of Spark in place of what the sections of these names say: ``transactions``, ``spend``,
            ``panel``; the last may be one of pandas.

    Returns:
        The panel as written to ``panel.parquet`` and ``panel.json``.

    Raises:
        DataError: the data cannot be used; earlier files are kept then.
        ExtraError: transactions need Spark, and it is not installed.
        MMMError: the data can be used, but the configuration asks of them what they do not have; see `check_against`.
    """
    from mmm_bayes.pipeline.check import check_against

    unseen = {"given": sorted(given)} if given else {}
    with step(Workspace(config.name, Path(root)), "prepare", config, **unseen) as work:
        panel = make_panel(config, work.folder, progress, session, given, work.manifest)
    check_against(config, panel)
    return panel


def make_panel(
    config: Config,
    folder: Path,
    progress: Progress = silent,
    session: Any = None,
    given: Mapping[str, Any] | None = None,
    earlier: Manifest | None = None,
) -> "Panel":
    """Write the files of a panel into a folder; arguments and errors as `prepare` has them.

    What ``earlier``, the record of the run, has made of the same source data is not made again.
    """
    _require_sections(config, given or {})
    if config.panel is not None:
        panel = _prepare_table(config, config.panel, folder, progress, session, given)
    else:
        assert config.transactions is not None
        require("spark")
        panel = _prepare_transactions(config, config.transactions, folder, progress, session, given, earlier)
    from mmm_bayes.evidence import evidence, summary
    from mmm_bayes.features import save_features

    write_json(folder / "evidence.json", summary(panel, evidence(panel, config.model.priors)))
    save_features(panel, config.model.l_max, folder)
    return panel


def _require_sections(config: Config, given: Mapping[str, Any]) -> None:
    for name in given:
        if name not in ("transactions", "spend", "panel") or name not in config.files:
            raise ConfigError(f"a DataFrame for '{name}' needs that section in the configuration, with its columns.")


def _prepare_table(
    config: Config,
    source: PanelSource,
    folder: Path,
    progress: Progress,
    session: Any,
    given: Mapping[str, Any] | None,
) -> "Panel":
    import pandas as pd

    from mmm_bayes.panel import read_panel, save_panel

    path, cells = config.find(source.path), (given or {}).get("panel")
    if isinstance(cells, pd.DataFrame):
        path = "the DataFrame"
    elif source.by_spark or given:
        require("spark")
        from mmm_bayes.prepare import fetch

        progress(f"reading {source.place} with Spark", None)
        path, cells = source.place, fetch(config, "panel", session, given)
    progress(f"reading {path}", None)
    table = read_panel(source, path, cells)
    frame, columns, found = _public_holidays(table.frame, source)
    frame, columns, joined = _external(config, frame, columns)
    panel = save_panel(frame, columns, folder, config.name, config.currency, source=path)
    notes = [asdict(note) for note in (*table.notes, *found, *joined, *panel.notes)]
    write_json(folder / "quality.json", {"source": path, "rows": len(frame), "notes": notes})
    return panel


def _public_holidays(
    frame: "pd.DataFrame", source: PanelSource
) -> "tuple[pd.DataFrame, PanelSource, tuple[Finding, ...]]":
    """Add public holidays where they are asked for; the table is checked first."""
    if source.public_holidays == "none":
        return frame, source, ()
    from mmm_bayes.panel import panel_from_frame
    from mmm_bayes.panel.holidays import with_public_holidays

    panel_from_frame(frame, source, "")
    return with_public_holidays(frame, source)


def _external(
    config: Config, frame: "pd.DataFrame", source: PanelSource
) -> "tuple[pd.DataFrame, PanelSource, tuple[Finding, ...]]":
    """Add external tables and events where there are some; the table is checked first."""
    if not config.external and not config.events:
        return frame, source, ()
    import pandas as pd

    from mmm_bayes.external import Places, read_external, weekly_controls
    from mmm_bayes.panel import panel_from_frame

    panel = panel_from_frame(frame, source, "")
    tables = read_external(config, panel.weeks[0].dayofweek)
    later = sorted(week for week in frame[source.week].unique() if week > panel.weeks[-1])
    found = weekly_controls(tables, panel.weeks.append(pd.DatetimeIndex(later)), Places.same(panel.geos), len(later))
    return *found.beside(frame, source), found.notes


def _prepare_transactions(
    config: Config,
    table: Transactions,
    folder: Path,
    progress: Progress,
    session: Any,
    given: Mapping[str, Any] | None,
    earlier: Manifest | None,
) -> "Panel":
    from mmm_bayes.panel import save_panel

    if earlier is not None and not given and earlier.sources_stand("prepare", config):
        progress("taking the weeks of the last run", None)
        prepared = _taken(earlier, folder)
    else:
        prepared = _read_transactions(config, folder, progress, session, given, earlier)
    (frame, columns), truth = prepared.panel(table), None
    if config.simulate is not None:
        from mmm_bayes.simulate import simulate_spend

        progress("simulating spend", None)
        simulated = simulate_spend(frame, columns, config.simulate)
        frame, columns, truth = simulated.frame, simulated.columns, simulated.truth
    panel = save_panel(frame, columns, folder, config.name, config.currency, simulated=truth is not None)
    if truth is not None:
        from mmm_bayes.simulate import save_truth

        save_truth(truth, folder, config.allocate.weeks)
    return panel


def _read_transactions(
    config: Config,
    folder: Path,
    progress: Progress,
    session: Any,
    given: Mapping[str, Any] | None,
    earlier: Manifest | None,
) -> "Prepared":
    """Read the lines with Spark, and write what they come to."""
    from mmm_bayes.prepare.size import is_long
    from mmm_bayes.prepare.spark import begin

    before = _kept(earlier)
    begin(config.spark, session, is_long(config, before))
    from mmm_bayes.prepare import weekly_table

    progress("reading transactions with Spark", None)
    prepared = weekly_table(config, folder / "quarantine.parquet", session=session, given=given, before=before)
    prepared.save(folder)
    prepared = _compared(prepared, config, folder, earlier)
    write_json(folder / "quality.json", prepared.quality)
    return prepared


def _compared(prepared: "Prepared", config: Config, folder: Path, earlier: Manifest | None) -> "Prepared":
    """Note how the lines compare with those of the last run, where there was one."""
    from mmm_bayes.prepare.presets import layout
    from mmm_bayes.prepare.since import since

    files = "quality.json", "quarantine.parquet"
    if earlier is None or config.transactions is None or not all(earlier.wrote("prepare", file) for file in files):
        return prepared
    try:
        before = earlier.checked("prepare", *files)
    except DataError:
        return prepared
    found = since(before, folder, prepared.quality, layout(config.transactions).columns.product)
    notes = [*prepared.quality["notes"], *map(asdict, found)]
    return replace(prepared, quality={**prepared.quality, "notes": notes})


def _kept(earlier: Manifest | None) -> Path | None:
    """Return the folder of what the last run has kept of its lines; None where it has not, or not as it was written."""
    if earlier is None or not all(earlier.wrote("prepare", file) for file in KEPT):
        return None
    with suppress(DataError):
        return earlier.checked("prepare", *KEPT)
    return None


def _taken(earlier: Manifest, folder: Path) -> "Prepared":
    """Return what the last run has made of the same lines, and take its files along."""
    from mmm_bayes.prepare import load_prepared

    files = [file for file in STEPS["prepare"].of_sources if earlier.wrote("prepare", file)]
    home = earlier.checked("prepare", *files)
    for file in files:
        copy = copytree if (home / file).is_dir() else copy2
        copy(home / file, folder / file)
    return load_prepared(folder)


def demo(root: str | Path, lines: int, seed: int | None = None, progress: Progress = silent) -> Config:
    """Write the transactions of a made-up shop and return the configuration for all steps on them.

    Args:
        root: folder that holds ``data/`` and ``reports/``.
        lines: about this many transaction lines.
        seed: decides the transactions and the draws; the default ones where not given.
        progress: told what is being done.
    """
    from mmm_bayes.simulate.transactions import write_sample

    space = Workspace("demo", Path(root))
    path = space.data / "transactions.csv.gz"
    progress("writing transactions", None)
    if not path.exists() and installed("spark"):
        from mmm_bayes.prepare.size import LONG
        from mmm_bayes.prepare.spark import begin

        begin({}, long=lines >= LONG)  # they will be read
    with held(space):
        write_sample(path, lines) if seed is None else write_sample(path, lines, seed=seed)
    config = load_config(Path(__file__).parents[1] / "demo.yaml", data=str(path))
    return override(config, sampler={"seed": seed})
