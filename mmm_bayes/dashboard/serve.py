"""Start Streamlit on the page of one run."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

from mmm_bayes.config import load_config
from mmm_bayes.errors import MMMError
from mmm_bayes.provenance import snapshot
from mmm_bayes.workspace import Workspace

PAGE = Path(__file__).with_name("app.py")
OPTIONS = {
    "browser.gatherUsageStats": "false",
    "server.headless": "true",
    "server.address": "localhost",  # what a company spends is nobody else's business
    "server.fileWatcherType": "none",
    "client.toolbarMode": "minimal",
    "logger.level": "warning",
    "theme.primaryColor": "#1F5A94",
}


def serve(config: Path, root: Path, port: int | None = None) -> NoReturn:
    """Become the server of a run's dashboard; does not return.

    Args:
        config: path of the configuration.
        root: folder that holds ``data/``.
        port: where the page is served on this machine; the next free one from 8501 on where not given.

    Raises:
        DataError: there is no fit yet.
        MMMError: Streamlit is not installed.
    """
    with snapshot(Workspace(load_config(config).name, root)) as manifest:
        manifest.checked("fit")
    if find_spec("streamlit") is None:
        raise MMMError("the dashboard needs Streamlit; install it with pip install 'mmm-bayes[dashboard]'.")
    os.execv(sys.executable, command(config, root, port))


def command(config: Path, root: Path, port: int | None) -> list[str]:
    """Return the command line of the server."""
    options = OPTIONS | ({} if port is None else {"server.port": str(port)})
    flags = [f"--{name}={value}" for name, value in options.items()]
    return [sys.executable, "-W", "ignore", "-m", "streamlit", "run", str(PAGE), *flags, "--", str(config), str(root)]
