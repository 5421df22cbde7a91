"""Fit a panel with PyMC-Marketing's defaults, by nutpie; benchmark_peers.py runs it in its own environment."""

from time import perf_counter

import pandas as pd
from common import arguments, read_table, tell
from pymc_marketing.mmm import GeometricAdstock, HillSaturation, LogisticSaturation
from pymc_marketing.mmm.mmm import MMM

PACKAGES = ("pymc-marketing", "pymc", "nutpie", "arviz")
SATURATION = {"logistic": LogisticSaturation, "hill": HillSaturation}


def main() -> None:
    """Sample and print one line of JSON."""
    asked = arguments()
    table = read_table(asked.path)
    started = perf_counter()
    frame = table.frame.assign(time=pd.to_datetime(table.frame["time"]))
    revenue = (frame["conversions"] * frame["revenue_per_conversion"]).rename("revenue")
    model = MMM(
        date_column="time",
        channel_columns=table.spend,
        control_columns=table.controls,
        target_column="revenue",
        adstock=GeometricAdstock(l_max=8),
        saturation=SATURATION[asked.saturation](),
        yearly_seasonality=2,
        dims=("geo",) if table.geos else None,
    )
    columns = ["time", *(["geo"] if table.geos else []), *table.spend, *table.controls]
    model.fit(
        frame[columns],
        revenue,
        nuts_sampler="nutpie",
        chains=4,
        tune=asked.tune,
        draws=asked.draws,
        random_seed=1,
        progressbar=False,
    )
    contribution = model.idata["posterior"]["channel_contribution"] * model.get_scales_as_xarray()["target_scale"]
    others = [dim for dim in contribution.dims if dim not in ("chain", "draw", "channel")]
    spend = frame[table.spend].sum().to_xarray().rename(index="channel")
    roi = (contribution.sum(others) / spend).transpose("chain", "draw", "channel")
    tell(roi, model.idata["sample_stats"]["diverging"].sum(), perf_counter() - started, PACKAGES)


if __name__ == "__main__":
    main()
