"""Whatever interrupts a step, at whichever moment: afterwards all of its old files stand, or all of its new ones."""

import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import pandas as pd
import pytest
import yaml

from mmm_bayes.cli import main
from mmm_bayes.config import Config, make_config
from mmm_bayes.provenance import STEPS, held, load_manifest, snapshot, step
from mmm_bayes.provenance.steps import needed
from mmm_bayes.workspace import Workspace

PROGRAM = Path(sys.executable).with_name("mmm-bayes")
EVENTS = {"open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "shutil.rmtree"}
"""What a process does to files; of ``open`` those count that write."""

LEFT_OUT = {"old": {"frontier.csv", "lift.csv"}, "new": {"quarantine.parquet", "truth.json", "truth.parquet"}}
"""Files that a step leaves in one state only: new ones come and old ones go."""


@pytest.fixture
def config() -> Config:
    return make_config({"name": "shop", "panel": {"path": "gone.csv", "kpi": "sales", "spend": {"tv": "tv"}}})


def perform(space: Workspace, name: str, config: Config, state: str) -> None:
    """Run a step whose files say which state they belong to."""
    with step(space, name, config) as work:
        for file in STEPS[name].files:
            if file in ("figures", "quarantine.parquet") and file not in LEFT_OUT[state]:
                (work.folder / file).mkdir()
                (work.folder / file / state).write_text(state)
            elif file not in LEFT_OUT[state]:
                (work.folder / file).write_text(state)


def states(space: Workspace, name: str) -> set[str]:
    """Return which states the files of a step belong to, and whether those of another one are missing or left over."""
    home, found = STEPS[name].home(space), set()
    for file in STEPS[name].files:
        path = home / file
        inside = next(iter(path.iterdir())) if path.is_dir() else path
        found |= {inside.read_text()} if path.exists() else set()
    if len(found) == 1:
        (state,) = found
        assert {f for f in STEPS[name].files if (home / f).exists()} == set(STEPS[name].files) - LEFT_OUT[state]
    return found


def hidden(space: Workspace) -> list[Path]:
    return [path for path in space.root.rglob(".*")]


def in_child(action: Callable[[], None], at: int, how: str) -> int:
    """Do something in a child that dies (or is interrupted) at its ``at``-th change of a file; return its exit code."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of fork beside threads: the child only writes files
        child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    count = 0

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal count
        if event not in EVENTS or (event == "open" and not _writes(arguments)):
            return
        count += 1
        if count == at and how == "killed":
            os._exit(9)
        if count == at and how == "interrupted":
            raise KeyboardInterrupt

    try:
        sys.addaudithook(watch)
        action()
    except KeyboardInterrupt:
        os._exit(130)
    except BaseException:
        os._exit(1)
    os._exit(0)


def _writes(arguments: tuple[object, ...]) -> bool:
    _, mode, flags = arguments
    return bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)) if isinstance(flags, int) else "w" in str(mode)


@pytest.fixture(scope="module")
def slim() -> Iterator[Executor]:
    """A process to fork from: it has loaded nothing of other tests, so that its children cost half."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        yield pool


@pytest.fixture
def standing(config, tmp_path) -> Workspace:
    """A folder for the old files of a run."""
    return Workspace("shop", tmp_path / "before")


MOMENTS = [(name, "killed", "writer") for name in STEPS]
MOMENTS += [("allocate", "killed", "reader"), ("allocate", "interrupted", "writer")]


@pytest.mark.parametrize(("name", "how", "next_one"), MOMENTS)
def test_at_every_single_moment_of_a_step_either_all_is_old_or_all_is_new(
    name, how, next_one, standing, config, tmp_path, slim
):
    beside = [part for part in STEPS if STEPS[part].part_of == name]
    for one in (*needed(name), name, *beside):
        perform(standing, one, config, "old")
    seen, at, code = set(), 0, -1
    while code != 0:
        at += 1
        space = Workspace("shop", tmp_path / f"at_{at}")
        shutil.copytree(standing.root, space.root)
        code = slim.submit(in_child, partial(perform, space, name, config, "new"), at, how).result()
        assert code in (0, 9 if how == "killed" else 130), at
        if next_one == "writer":
            with held(space):
                manifest = load_manifest(space)
            assert hidden(space) == [], at
        else:
            with snapshot(space) as manifest:
                pass
        found = states(space, name)
        assert found in ({"old"}, {"new"}), at
        seen |= found
        for other in manifest.steps:
            manifest.checked(other)
            assert other == name or states(space, other) == {"old"}
        gone = {*beside} if found == {"new"} else set()
        assert manifest.steps.keys() == {*needed(name), name, *beside} - gone
        assert not any(states(space, part) for part in gone)
        shutil.rmtree(space.root)
    assert seen == {"old", "new"}
    assert at > 20


def test_a_step_that_fails_leaves_what_was_there_and_nothing_else(config, tmp_path):
    space = Workspace("shop", tmp_path)
    with pytest.raises(KeyboardInterrupt), step(space, "prepare", config) as work:
        (work.folder / "panel.parquet").write_text("half")
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []
    perform(space, "prepare", config, "old")
    with pytest.raises(RuntimeError), step(space, "prepare", config) as work:
        (work.folder / "panel.parquet").write_text("half")
        raise RuntimeError
    assert states(space, "prepare") == {"old"} and hidden(space) == []


def test_a_file_that_no_table_lists_is_a_mistake_of_the_code(config, tmp_path):
    with (
        pytest.raises(AssertionError, match=r"'prepare' wrote \['roi.csv'\]"),
        step(Workspace("shop", tmp_path), "prepare", config) as work,
    ):
        (work.folder / "roi.csv").touch()


# --- no room on the disk ------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [0, 1_000, 50_000])
def test_files_that_may_not_grow_leave_the_old_ones(limit, config, tmp_path):
    space = Workspace("shop", tmp_path)
    perform(space, "prepare", config, "old")

    def too_large() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        with step(space, "prepare", config) as work:
            (work.folder / "panel.json").write_text("new")
            (work.folder / "panel.parquet").write_bytes(b"x" * 100_000)

    assert in_child(too_large, 0, "") == 1
    with held(space):
        load_manifest(space).checked("prepare")
    assert states(space, "prepare") == {"old"} and hidden(space) == []


@pytest.fixture(scope="module")
def reported(small_run, tmp_path_factory) -> Path:
    """The shared run with its configuration and its report, to be copied to disks."""
    folder = tmp_path_factory.mktemp("reported")
    shutil.copytree(small_run.space.root, folder, dirs_exist_ok=True)
    write_config(folder, small_run.config)
    assert main(["report", str(folder / "small.yaml"), "--output", str(folder), "--quiet"]) == 0
    return folder


@pytest.mark.parametrize("room", [0, 8, 60, 500])
@pytest.mark.parametrize("command", ["allocate", "report"])
def test_a_full_disk_is_one_sentence_and_leaves_the_old_files(command, room, reported, tmp_path, capsys):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64M", "none", disk]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("no disk can be mounted here")
    try:
        shutil.copytree(reported, disk, dirs_exist_ok=True)
        place = [str(disk / "small.yaml"), "--output", str(disk)]
        before = entries(Workspace("small", disk))
        free = shutil.disk_usage(disk).free
        (disk / "filler").write_bytes(bytes(max(0, free - room * 1024)))
        arguments = ["--force", "--weeks", "20"] if command == "allocate" else []
        assert main([command, *place, *arguments]) == 1
        out, err = capsys.readouterr()
        assert out == "" and err.startswith("Error: ") and err.count("\n") == 1 and "o space left on device" in err
        (disk / "filler").unlink()
        assert entries(Workspace("small", disk)) == before
        assert hidden(Workspace("small", disk)) == []
        assert main([command, *place, *arguments, "--quiet"]) == 0
    finally:
        subprocess.run(["umount", disk], check=True)


def write_config(folder: Path, config: Config) -> None:
    raw = config.model_dump(mode="json", exclude_unset=True, exclude={"folder"})
    (folder / "small.yaml").write_text(yaml.safe_dump(raw), encoding="utf-8")


def entries(space: Workspace) -> dict[str, object]:
    """Return what the manifest says of each step, all of whose files are as it says."""
    with held(space):
        manifest = load_manifest(space)
    for name in manifest.steps:
        manifest.checked(name)
    return dict(manifest.steps)


# --- two at once --------------------------------------------------------------------------------

HOLDER = """
import sys, time
from pathlib import Path
from mmm_bayes.provenance import held
from mmm_bayes.workspace import Workspace
with held(Workspace("small", Path(sys.argv[1]))):
    print("held", flush=True)
    time.sleep(1)
"""


def test_a_second_run_of_the_same_name_says_that_it_waits(small_run, tmp_path, capsys):
    write_config(tmp_path, small_run.config)
    shutil.copy(small_run.space.root / "weekly.parquet", tmp_path)
    holder = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(holder, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout.readline() == "held\n"
        assert main(["prepare", str(tmp_path / "small.yaml"), "--output", str(tmp_path)]) == 0
    assert first.returncode == 0
    waiting, done = capsys.readouterr().err.splitlines()
    assert waiting == f"Warning: another run of 'small' is writing here (process {first.pid}); waiting."
    assert done.startswith("✓ prepare")
    assert hidden(Workspace("small", tmp_path)) == []


def test_who_holds_a_run_may_enter_it_again(config, tmp_path):
    space = Workspace("shop", tmp_path)
    with held(space):
        perform(space, "prepare", config, "old")
        with snapshot(space) as manifest:
            manifest.checked("prepare")
    assert hidden(space) == []


# --- real commands, killed ----------------------------------------------------------------------

COMMANDS = [
    ("prepare",),
    ("fit",),
    ("compare",),
    ("allocate", "--force", "--schedule"),
    ("allocate", "--force", "--what-if", "tv=-20%"),
    ("report",),
]
ORDER = [0, 3, 5, 1, 4, 0, 3, 2, 5, 4]
"""Which of them one after the other: those that sample less often than those that take seconds."""

KILLS, STOPS = 50, 10


@pytest.mark.slow
def test_real_commands_killed_at_random_moments_leave_nothing_mixed(small_run, tmp_path):
    space, moments, weekly = Workspace("small", tmp_path), random.Random(7), tmp_path / "weekly.parquet"
    shutil.copytree(small_run.space.root, tmp_path, dirs_exist_ok=True)
    raw = small_run.config.model_copy(update={"sampler": small_run.config.sampler.model_copy(update={"draws": 60})})
    write_config(tmp_path, raw)
    original, lasted, outcomes = weekly.read_bytes(), {}, []
    for command in COMMANDS:
        started = time.perf_counter()
        assert started_as(command, tmp_path).wait() == 0
        lasted[command] = time.perf_counter() - started
    for number in range(KILLS + STOPS):
        command = COMMANDS[ORDER[number % len(ORDER)]]
        if command == ("prepare",):
            table = pd.read_parquet(weekly)
            table.assign(revenue=table["revenue"] + number + 1).to_parquet(weekly)
        before = entries(space)
        process = started_as((*command, "--seed", str(number)), tmp_path)
        time.sleep(moments.uniform(0.2, 1.1) * lasted[command])
        process.send_signal(signal.SIGKILL if number < KILLS else signal.SIGINT)
        code = process.wait()
        assert code in (0, -signal.SIGKILL) if number < KILLS else code in (0, 130, 1, -signal.SIGINT)
        after = entries(space)
        assert hidden(space) == []
        own = [name for name, known in STEPS.items() if known.command.split()[0] == command[0]]
        assert all(after[name] == before[name] for name in before if name not in own)
        outcomes.append(after != before)
        if command == ("prepare",):
            weekly.write_bytes(original)
            assert started_as(command, tmp_path).wait() == 0
    assert any(outcomes) and not all(outcomes)


def started_as(command: tuple[str, ...], root: Path) -> subprocess.Popen[str]:
    name, *options = command
    arguments = [PROGRAM, name, root / "small.yaml", "--output", root, "--quiet", *options]
    return subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True)
