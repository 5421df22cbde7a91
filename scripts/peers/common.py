"""What the peers' scripts share: reading a panel, and telling what a fit found as one line of JSON."""

import json
from argparse import ArgumentParser, Namespace
from dataclasses import dataclass
from importlib.metadata import version

import arviz as az
import pandas as pd
import xarray as xr


@dataclass(frozen=True)
class Table:
    """A weekly table and the columns of the media and controls in it; national where it has no column ``geo``."""

    frame: pd.DataFrame
    spend: list[str]
    controls: list[str]

    @property
    def channels(self) -> list[str]:
        """Return the names of the channels."""
        return [name.removesuffix("_spend") for name in self.spend]

    @property
    def geos(self) -> bool:
        """Whether there is more than one series."""
        return "geo" in self.frame


def read_table(path: str) -> Table:
    """Read a CSV whose columns end in ``_spend`` and ``_control``."""
    frame = pd.read_csv(path)
    spend, controls = ([c for c in frame if c.endswith(end)] for end in ("_spend", "_control"))
    return Table(frame, spend, controls)


def arguments() -> Namespace:
    """Return what a script is called with: path of the table, tuning draws and kept draws of each chain."""
    parser = ArgumentParser()
    parser.add_argument("path")
    parser.add_argument("--tune", type=int, required=True)
    parser.add_argument("--draws", type=int, required=True)
    parser.add_argument("--saturation", default="logistic")
    return parser.parse_args()


def tell(roi: xr.DataArray, divergences: float, seconds: float, packages: tuple[str, ...]) -> None:
    """Print what a fit found.

    Args:
        roi: draws with the dims ``chain, draw, channel``.
        divergences: how many draws diverged.
        seconds: what the fit took, without imports.
        packages: whose versions are told.
    """
    draws = roi.rename("roi").to_dataset()
    low, median, high = (roi.quantile(q, ("chain", "draw")).to_numpy().tolist() for q in (0.05, 0.5, 0.95))
    found = {"channel": [str(c).removesuffix("_spend") for c in roi["channel"].to_numpy()]}
    found |= {"median": median, "low": low, "high": high, "seconds": seconds, "divergences": int(divergences)}
    found |= {"ess": float(az.ess(draws, method="bulk")["roi"].min()), "rhat": float(az.rhat(draws)["roi"].max())}
    found |= {"draws": roi.sizes["chain"] * roi.sizes["draw"], "versions": {name: version(name) for name in packages}}
    print(json.dumps(found))
