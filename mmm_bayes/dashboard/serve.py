"""Start Streamlit on the page of some runs, which are read before anybody asks for them."""

import warnings
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mmm_bayes.config import load_config
from mmm_bayes.errors import ConfigError, MMMError
from mmm_bayes.provenance import snapshot
from mmm_bayes.workspace import Workspace

PAGE = Path(__file__).with_name("app.py")
DARK = ("#9D8CFF", "#FF7A9E", "#4CC38F", "#F0A04B", "#E07BB4", "#6DB7FF", "#A3CC5B", "#E58BE6")
"""Colours of channels on a dark page, in the order of those of the report."""

OPTIONS: dict[str, Any] = {
    "browser.gatherUsageStats": False,
    "client.showErrorDetails": "none",
    "client.toolbarMode": "minimal",
    "global.developmentMode": False,
    "logger.level": "warning",
    "runner.magicEnabled": False,  # it would print the docstrings of constants on the page
    "server.address": "localhost",  # what a company spends is nobody else's business
    "server.fileWatcherType": "none",
    "server.headless": True,
    "theme.light.backgroundColor": "#ffffff",
    "theme.dark.backgroundColor": "#171614",
    "theme.light.primaryColor": "#1F5A94",
    "theme.dark.primaryColor": "#5AA2E6",
    "theme.dark.chartCategoricalColors": DARK,
}


def serve(configs: Sequence[Path], root: Path, port: int | None = None) -> None:
    """Serve the dashboard of some runs until stopped.

    Args:
        configs: paths of the configurations.
        root: folder that holds ``data/``.
        port: where the page is served on this machine; the next free one from 8501 on where not given.

    Raises:
        ConfigError: two configurations are of the same run.
        DataError: there is no fit yet.
        MMMError: Streamlit is not installed.
    """
    names: dict[str, Path] = {}
    for path in configs:
        name = load_config(path).name
        if name in names:
            raise ConfigError(f"{path}: has the name '{name}', like {names[name]}; give each run a name of its own.")
        names[name] = path
        with snapshot(Workspace(name, root)) as manifest:
            manifest.checked("fit")
    if find_spec("streamlit") is None:
        raise MMMError("the dashboard needs Streamlit; install it with pip install 'mmm-bayes[dashboard]'.")
    _run([str(path) for path in configs], str(root), OPTIONS | ({} if port is None else {"server.port": port}))


def _run(configs: list[str], root: str, options: dict[str, Any]) -> None:
    from streamlit.web import bootstrap

    from mmm_bayes.dashboard.runs import open_run
    from mmm_bayes.report.figures.style import CHANNELS

    warnings.simplefilter("ignore")  # of libraries: nobody reads them behind a page
    options = options | {"theme.light.chartCategoricalColors": CHANNELS}
    bootstrap.load_config_options(options)
    for path in configs:
        open_run(path, root)
    bootstrap.run(str(PAGE), False, [root, *configs], options)
