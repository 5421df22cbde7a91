"""Fit a panel with Meridian's defaults, on JAX; benchmark_peers.py runs it in Meridian's environment."""

from time import perf_counter

from common import arguments, read_table, tell
from meridian.data.data_frame_input_data_builder import DataFrameInputDataBuilder
from meridian.model.model import Meridian

PACKAGES = ("google-meridian", "jax", "arviz")


def main() -> None:
    """Sample and print one line of JSON."""
    asked = arguments()
    table = read_table(asked.path)
    started = perf_counter()
    data = DataFrameInputDataBuilder(kpi_type="non_revenue")
    data = data.with_kpi(table.frame, kpi_col="conversions")
    data = data.with_revenue_per_kpi(table.frame, revenue_per_kpi_col="revenue_per_conversion")
    data = data.with_controls(table.frame, control_cols=table.controls)
    data = data.with_media(table.frame, table.spend, table.spend, table.channels)
    if table.geos:
        data = data.with_population(table.frame)
    model = Meridian(data.build())
    model.sample_posterior(n_chains=4, n_adapt=asked.tune, n_burnin=asked.tune, n_keep=asked.draws, seed=1)
    found = model.inference_data
    roi = found.posterior["roi_m"].rename(media_channel="channel")
    tell(roi, found.sample_stats["diverging"].sum(), perf_counter() - started, PACKAGES)


if __name__ == "__main__":
    main()
