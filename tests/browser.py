"""A browser for the tests of pages, where there is one, and a dashboard for it to look at."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def executable() -> str | None:
    """Return the path of a Chromium: the machine's, or the one that Playwright installs."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        with sync_playwright() as playwright:
            own = playwright.chromium.executable_path
        found = own if Path(own).exists() else None
    return found


@contextlib.contextmanager
def browser() -> Iterator[Browser]:
    """Yield a real browser; the test is skipped where there is none."""
    path = executable()
    if path is None:
        pytest.skip("no Chromium is installed; apt-get install chromium, or playwright install chromium")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield found
        found.close()


@contextlib.contextmanager
def dashboard(folder: Path, *configs: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Yield the address of a dashboard that serves runs of a folder, and its process."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    script = Path(sys.executable).with_name("mmm-bayes")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("STREAMLIT_")}
    command = [script, "dashboard", *configs, "--port", str(port)]
    server = subprocess.Popen(
        command, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    address = f"http://localhost:{port}"
    try:
        assert answer(f"{address}/_stcore/health", server) == "ok"
        yield address, server
    finally:
        if server.poll() is None:
            server.send_signal(signal.SIGINT)
        server.communicate(timeout=30)


def answer(address: str, server: subprocess.Popen[str]) -> str:
    """Return what a server answers as soon as it does."""
    for _ in range(600):
        assert server.poll() is None, server.communicate()[0]
        with contextlib.suppress(OSError), urllib.request.urlopen(address) as reply:
            return reply.read().decode()
        time.sleep(0.1)
    raise AssertionError(f"{address} does not answer")


def settled(page: Page) -> None:
    """Wait until a page of Streamlit has nothing left to do."""
    page.wait_for_timeout(150)  # for a change to set out
    page.get_by_test_id("stMetricValue").or_(page.get_by_test_id("stMarkdownContainer")).first.wait_for()
    page.wait_for_function("document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning'")
    page.wait_for_timeout(300)
