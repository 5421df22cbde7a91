"""Print wall time and peak memory of the commands as whole processes: the demo twice, then each step by itself.

The first call may compile, the second finds the compiled code. The demo leaves its folders in a temporary place.
"""

import os
import platform
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from subprocess import DEVNULL, Popen

PROGRAM = Path(sys.executable).with_name("mmm-bayes")
DEMO = Path(__file__).parents[1] / "mmm_bayes" / "demo.yaml"


def measure(arguments: list[str], folder: Path) -> tuple[float, float]:
    """Return seconds and the peak memory (GiB, of the largest process) of one command."""
    started = time.perf_counter()
    process = Popen([PROGRAM, *arguments, "--quiet", "--output", folder], stdout=DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        raise SystemExit(f"mmm-bayes {' '.join(arguments)} failed")
    return time.perf_counter() - started, usage.ru_maxrss / 2**20


def main() -> None:
    """Run the commands and print a Markdown table."""
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, mmm_bayes {version('mmm_bayes')}\n")
    print("| command | seconds | GiB |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = ["--data", str(folder / "data" / "demo" / "transactions.csv.gz")]
        calls = {"demo": ["demo"], "demo, second call": ["demo"]}
        calls |= {c: [c, str(DEMO), *data] for c in ("prepare", "fit", "compare", "allocate", "report")}
        for label, arguments in calls.items():
            seconds, memory = measure(arguments, folder)
            print(f"| {label} | {seconds:.1f} | {memory:.1f} |", flush=True)


if __name__ == "__main__":
    main()
