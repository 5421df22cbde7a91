"""features.parquet: what the trees see, against slow loops, and the very rows that a fit is grown on."""

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest

from mmm_bayes import pipeline
from mmm_bayes.config import Model, PanelColumns
from mmm_bayes.features import make_inputs, make_scaling, table, ways
from mmm_bayes.lightgbm import fit_lightgbm
from mmm_bayes.panel import Panel, panel_from_frame
from mmm_bayes.provenance import load_manifest
from mmm_bayes.simulate import PanelSpec, simulate_panel

L_MAX = 6


@pytest.fixture(scope="module")
def panel() -> Panel:
    """Three geos with a holiday and a control, and five weeks of spend before the first KPI."""
    made = simulate_panel(PanelSpec(geos=3, weeks=60, seed=8))
    frame = made.frame.copy()
    frame["xmas"] = (frame["week"].dt.isocalendar().week == 51).astype(float)
    frame["celsius"] = np.random.default_rng(5).normal(10, 5, len(frame))
    frame["revenue"] = frame["revenue"].mask(frame["week"] < frame["week"].unique()[5])
    columns = made.columns.model_copy(update={"controls": ("celsius",), "holidays": ("xmas",)})
    return panel_from_frame(frame, PanelColumns(**columns.model_dump()), "features")


def slow_media(panel: Panel, channel: str, geo: str) -> list[float]:
    """Spend per unit of mean KPI over its median week, the weeks before the first KPI included."""
    person = panel.data["population"].to_series()
    spend = panel.data["spend"].sel(channel=channel).transpose("geo", "week").to_pandas()
    ordinary = np.median([v / person[g] for g in spend.index for v in spend.loc[g] if v > 0])
    before = panel.data["history"].sel(channel=channel, geo=geo).to_numpy().tolist()
    return [v / person[geo] / ordinary for v in [*before, *spend.loc[geo]]]


def slow_carry(media: list[float], way: str) -> list[float]:
    """Weighted sums over the lags, one week after the other; the first five weeks are history."""
    kind, _, number = way.partition("_")
    if kind == "mean":
        weights = [1 / int(number)] * int(number)
    else:
        powers = [float(number) ** lag for lag in range(L_MAX)]
        weights = [p / sum(powers) for p in powers]
    return [sum(w * media[t - lag] for lag, w in enumerate(weights)) for t in range(5, len(media))]


def test_media_are_carried_over_in_each_way(panel):
    found = table(panel, L_MAX)
    assert list(ways(L_MAX)) == ["adstock_0.0", "adstock_0.2", "adstock_0.4", "adstock_0.6", "adstock_0.8", "mean_4"]
    for channel in panel.channels:
        for geo in panel.geos:
            media = slow_media(panel, channel, geo)
            for way in ways(L_MAX):
                own = found.loc[found["geo"] == geo, f"{way}:{channel}"]
                np.testing.assert_allclose(own, slow_carry(media, way), rtol=1e-9, atol=1e-12)


def test_the_others_are_what_their_names_say(panel):
    found = table(panel, L_MAX).set_index(["geo", "week"])
    for g, geo in enumerate(panel.geos):
        own = found.loc[geo]
        angle = 2 * np.pi * own.index.dayofyear / 365.25
        np.testing.assert_allclose(own["season:sin"], np.sin(angle))
        np.testing.assert_allclose(own["season:cos"], np.cos(angle))
        assert own["calendar:week"].tolist() == list(range(55))
        assert (own["calendar:geo"] == g).all()
        for kind, name in (("holiday", "xmas"), ("control", "celsius")):
            known = panel.data[f"{kind}s"].sel({kind: name, "geo": geo}).to_numpy()
            np.testing.assert_array_equal(own[f"{kind}:{name}"], known)
            np.testing.assert_array_equal(own[f"lag_1:{kind}:{name}"], [known[0], *known[:-1]])
    named = {"season:sin", "season:cos", "calendar:week", "calendar:geo"}
    named |= {f"{lag}{column}" for lag in ("", "lag_1:") for column in ("holiday:xmas", "control:celsius")}
    assert set(found) == named | {f"{way}:{channel}" for way in ways(L_MAX) for channel in panel.channels}


def test_the_trees_are_grown_on_columns_of_the_table(panel, monkeypatch):
    grown: list[np.ndarray] = []
    train = lgb.train

    def seen(parameters, data, rounds):
        grown.append(np.array(data.data))
        return train(parameters, data, rounds)

    monkeypatch.setattr(lgb, "train", seen)
    fitted = fit_lightgbm(panel, Model(l_max=L_MAX), bootstrap=0)
    chosen = [f"{list(ways(L_MAX))[way]}:{c}" for way, c in zip(fitted.choice, panel.channels, strict=True)]
    found = table(panel, L_MAX)
    others = [name for name in found if name.startswith(("season", "holiday", "control", "lag", "calendar"))]
    np.testing.assert_array_equal(grown[0], found[[*chosen, *others]].to_numpy())


def test_a_short_window_has_no_longer_means():
    assert list(ways(3)) == ["adstock_0.0", "adstock_0.2", "adstock_0.4", "adstock_0.6", "adstock_0.8"]
    for l_max in (1, 4, 8, 13):
        for name, weights in ways(l_max).items():
            assert weights.shape == (l_max,), name
            assert weights.sum() == pytest.approx(1)


def test_prepare_writes_it_and_another_window_makes_it_anew(tmp_path, small_run):
    config = small_run.config.model_copy(update={"name": "features"})
    panel = pipeline.prepare(config, tmp_path)
    space = type(small_run.space)("features", tmp_path)
    pd.testing.assert_frame_equal(pd.read_parquet(space.data / "features.parquet"), table(panel, config.model.l_max))
    assert load_manifest(space).stands("prepare", config)
    model = config.model.model_copy(update={"l_max": 4})
    assert not load_manifest(space).stands("prepare", config.model_copy(update={"model": model}))
    np.testing.assert_array_equal(make_inputs(panel, make_scaling(panel, 4)).carried.shape[0], len(ways(4)))
