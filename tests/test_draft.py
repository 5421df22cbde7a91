"""`mmm-bayes init`: what it writes runs as it is, asks what has two readings and overwrites nothing."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from test_config import REFERENCE

from mmm_bayes.cli import main
from mmm_bayes.config import load_config
from mmm_bayes.draft import draft, template
from mmm_bayes.draft.look import answered, look_at
from mmm_bayes.draft.roles import of_panel, of_transactions
from mmm_bayes.draft.text import meanings
from mmm_bayes.errors import DataError
from mmm_bayes.panel import Panel
from mmm_bayes.pipeline import prepare
from mmm_bayes.pipeline.check import examine
from mmm_bayes.tables import header, read

WEEKS = 40


def weekly(start: str = "2023-01-02", geos: tuple[str, ...] = ()) -> pd.DataFrame:
    """A table of invented sales; with a column ``region`` where geos are named."""
    rng = np.random.default_rng(3)
    days = pd.date_range(start, periods=WEEKS, freq="7D")
    parts = []
    for geo in geos or ("",):
        tv, search = rng.gamma(2.0, 500.0, (2, WEEKS)).round(2)
        sales = (20_000 + 2 * tv + 3 * search + rng.normal(0, 300, WEEKS)).round(2)
        part = pd.DataFrame({"week": days, "region": geo, "revenue": sales, "tv_spend": tv, "search_spend": search})
        parts.append(part if geos else part.drop(columns="region"))
    return pd.concat(parts, ignore_index=True)


def ran(folder: Path, *files: str) -> tuple[dict, Panel]:
    """Write what `init` does, unedited; check it and prepare it."""
    path = folder / "drafted.yaml"
    assert main(["init", *(str(folder / file) for file in files), "--to", str(path), "--quiet"]) == 0
    found = examine(path, root=folder)[1]
    assert found == []
    panel = prepare(load_config(path), folder)
    return yaml.safe_load(path.read_text(encoding="utf-8")), panel


def as_german(path: Path) -> None:
    table = weekly(geos=("Köln", "Mainz")).rename(columns={"week": "Woche", "revenue": "Umsatz", "region": "Land"})
    table.to_csv(path, sep=";", decimal=",", date_format="%d.%m.%y", encoding="cp1252", index=False)


def as_workbook(path: Path) -> None:
    with pd.ExcelWriter(path, engine="xlsxwriter") as book:
        weekly().to_excel(book, sheet_name="Data", startrow=2, index=False)
        book.sheets["Data"].write(0, 0, "Weekly performance")


def with_totals(path: Path) -> None:
    table = weekly()
    total = table.drop(columns="week").sum().round(2)
    text = table.to_csv(index=False, sep="\t") + "\t".join(["Total", *map(str, total)]) + "\n"
    path.write_text(text, encoding="utf-16")


def by_day(path: Path) -> None:
    table = weekly().loc[lambda t: t.index.repeat(7)].reset_index(drop=True)
    days = pd.date_range("2023-01-02", periods=len(table))
    table.assign(week=days).rename(columns={"week": "date"}).to_parquet(path)


def as_robyn_does(path: Path) -> None:
    table = weekly().rename(columns={"week": "DATE", "tv_spend": "tv_S", "search_spend": "search_S"})
    rng = np.random.default_rng(5)
    extra = {"search_clicks_P": table["search_S"] * 3, "competitor_B": rng.normal(9, 1, WEEKS), "events": "na"}
    table.assign(**extra, newsletter=rng.gamma(2.0, 9.0, WEEKS)).to_json(path, orient="records", date_format="iso")


LAYOUTS = {
    "german.csv": (as_german, {"kpi": "Umsatz", "geo": "Land", "encoding": "cp1252"}, (2, WEEKS)),
    "titled.xlsx": (as_workbook, {"kpi": "revenue", "skip_rows": 2}, (1, WEEKS)),
    "totals.tsv": (with_totals, {"spend": {"tv": "tv_spend", "search": "search_spend"}}, (1, WEEKS)),
    "daily.parquet": (by_day, {"week": "date"}, (1, WEEKS)),
    "robyn.json": (
        as_robyn_does,
        {
            "spend": {"tv": "tv_S", "search": "search_S"},
            "exposure": {"search": "search_clicks_P"},
            "organic": {"newsletter": "newsletter"},
            "controls": ["competitor_B"],
        },
        (1, WEEKS),
    ),
}


@pytest.mark.parametrize("file", LAYOUTS)
def test_the_draft_of_a_weekly_table_runs_unedited(tmp_path, file):
    write, expected, size = LAYOUTS[file]
    write(tmp_path / file)
    raw, panel = ran(tmp_path, file)
    assert {key: raw["panel"].get(key) for key in expected} == expected
    assert (len(panel.geos), len(panel.weeks)) == size


def lines(path: Path) -> None:
    rng = np.random.default_rng(7)
    size = 4000
    days = pd.Timestamp("2023-01-02") + pd.to_timedelta(rng.integers(0, 7 * WEEKS, size), "D")
    table = pd.DataFrame({"Order ID": np.arange(size) // 2, "SKU": rng.choice(["A1", "B2"], size)})
    table = table.assign(Qty=rng.integers(1, 5, size), Ordered=days.strftime("%d/%m/%Y %H:%M"), Price=9.9)
    table.rename(columns={"Ordered": "Order date"}).to_csv(path, index=False)


def test_transactions_and_their_spend_run_unedited_in_either_order(tmp_path):
    lines(tmp_path / "lines.csv")
    days = pd.date_range("2023-01-02", periods=7 * WEEKS)
    spend = pd.concat(
        pd.DataFrame({"day": days, "channel": name, "cost": cost}) for name, cost in (("tv", 9), ("x", 3))
    )
    spend.to_excel(tmp_path / "spend.xlsx", index=False, engine="xlsxwriter")
    raw, panel = ran(tmp_path, "spend.xlsx", "lines.csv")
    assert raw["transactions"]["columns"]["date"] == "Order date"
    assert (raw["spend"]["layout"], raw["spend"]["channel"], list(panel.channels)) == ("long", "channel", ["tv", "x"])
    assert "simulate" not in raw
    alone = draft([str(tmp_path / "lines.csv")], tmp_path).text
    assert "simulate: {}" in alone and "not what your media did" in alone


def test_two_readings_stand_as_a_question_with_the_one_taken(tmp_path):
    table = weekly("2023-01-08").assign(revenue=lambda t: t["revenue"].map(lambda x: f"{x:,.0f}"))
    table = table.assign(tv_spend=table["tv_spend"].round(), search_spend=table["search_spend"].round())
    table.to_csv(tmp_path / "sundays.csv", index=False, sep=";")
    made = draft([str(tmp_path / "sundays.csv")], tmp_path)
    text = made.text
    raw = yaml.safe_load(text)["panel"]
    assert raw["week_date"] == "first"
    assert "dated on Sundays" in text and "Taken: first." in text
    assert made.questions == sum(line.strip().startswith("# ?") for line in text.splitlines()) > 0


def test_the_first_answer_that_gets_through_is_taken_and_the_question_kept():
    def attempt(options):
        if "a.x" not in options:
            raise DataError("x is 1 or 2.", option="a.x", answers=(1, 2))
        if options["a.x"] == 1:
            raise DataError("1 leads nowhere.")
        if "a.y" not in options:
            raise DataError("y is 3.", option="a.y", answers=(3,))
        return sum(options.values())

    assert answered({}, attempt) == (5, {"a.x": 2, "a.y": 3}, {"a.x": "x is 1 or 2.", "a.y": "y is 3."})
    with pytest.raises(DataError, match="1 leads nowhere"):
        answered({"a.y": 3}, lambda options: attempt({**options, "a.x": 1}))


def test_dates_of_two_readings_take_the_one_that_makes_weeks(tmp_path):
    days = pd.to_datetime(weekly()["week"]).dt.strftime("%d/%m/%y")
    weekly().assign(week=days).to_csv(tmp_path / "short.csv", index=False)
    _, panel = ran(tmp_path, "short.csv")
    assert (panel.weeks[0], panel.weeks[-1]) == (pd.Timestamp("2023-01-02"), pd.Timestamp("2023-10-02"))


def test_days_that_may_be_months_stand_as_a_question(tmp_path):
    """Bills of the first of each month, in day or in month order: both are dates, and no line tells which."""
    lines(tmp_path / "lines.csv")
    bills = [f"01/{month:02d}/2023" for month in range(1, 11)]
    spend = pd.concat(pd.DataFrame({"day": bills, "channel": c, "cost": v}) for c, v in (("tv", 900.0), ("x", 300.0)))
    spend.to_csv(tmp_path / "spend.csv", index=False)
    raw, panel = ran(tmp_path, "lines.csv", "spend.csv")
    text = (tmp_path / "drafted.yaml").read_text(encoding="utf-8")
    asked = " ".join(text.replace("  # ", "").split())
    assert "'01/02/2023' may be 2023-02-01 or 2023-01-02; give 'spend.date_format' as %d/%m/%Y or %m/%d/%Y." in asked
    assert "Taken: %d/%m/%Y." in asked and raw["spend"]["date_format"] == "%d/%m/%Y"
    assert panel.data["spend"].sel(channel="tv").to_numpy().min() > 0  # spread over the days of its month


@pytest.mark.parametrize("kind", ["csv", "csv.gz", "parquet"])
def test_a_large_file_is_looked_at_in_part(kind, tmp_path, monkeypatch):
    path = tmp_path / f"lines.{kind}"
    lines(tmp_path / "all.csv")
    frame = pd.read_csv(tmp_path / "all.csv")
    if kind == "parquet":
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False)
    whole = look_at(str(path))
    monkeypatch.setattr(read, "LARGE", 5_000)
    monkeypatch.setattr(read, "SOME", 300)
    monkeypatch.setattr(header, "HEAD", 5_000)
    monkeypatch.setattr(read, "read_table", lambda *_: pytest.fail("the whole file is read"))
    part = look_at(str(path))
    assert 50 < len(part.frame) <= 300 < len(whole.frame)
    assert (part.days, list(part.numbers), part.names) == (whole.days, list(whole.numbers), whole.names)


def test_nothing_is_overwritten(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    weekly().to_csv("shop.csv", index=False)
    Path("shop.yaml").write_text("mine", encoding="utf-8")
    assert main(["init", "shop.csv"]) == 1
    assert capsys.readouterr().err == (
        "Error: shop.yaml: is there already and stays as it is; give another name with --to, or move it away.\n"
    )
    assert main(["init", "--template", "weekly_panel", "--to", "shop.yaml"]) == 1
    assert Path("shop.yaml").read_text(encoding="utf-8") == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["shop.csv", "shop.yaml"]


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ({"week": "day", "revenue": None}, "holds spend and no KPI; give the file of the transactions with it"),
        ({"week": None}, "is neither a weekly table"),
    ],
)
def test_what_cannot_be_one_is_refused_in_a_sentence(tmp_path, columns, sentence):
    table = weekly()
    dropped = table.drop(columns=[name for name, new in columns.items() if new is None])
    dropped.rename(columns={k: v for k, v in columns.items() if v}).to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(DataError, match=sentence):
        draft([str(tmp_path / "t.csv")], tmp_path)


def test_templates_come_with_the_package_and_are_those_of_config(tmp_path):
    for file in Path("config").glob("*.yaml"):
        assert main(["init", "--template", file.stem, "--to", str(tmp_path / file.name), "--quiet"]) == 0
        assert (tmp_path / file.name).read_bytes() == file.read_bytes() == template(file.stem).encode()
    assert main(["init", "--template", "weekly", "--to", str(tmp_path / "other.yaml")]) == 1


def test_the_meaning_of_each_key_is_that_of_the_reference(tmp_path):
    known = meanings()
    assert known["panel.kpi_value"] == "column of the currency per KPI unit; 1 where not given"
    assert known["external.weather.between"].endswith("counts on its own day, week or month alone")
    weekly().to_csv(tmp_path / "t.csv", index=False)
    text = draft([str(tmp_path / "t.csv")], tmp_path).text
    reference = yaml.safe_load(REFERENCE.read_text(encoding="utf-8"))
    for key in yaml.safe_load(text)["panel"]:
        assert key in reference["panel"] and known[f"panel.{key}"][:60] in text.replace("\n  # ", " ")


@pytest.mark.parametrize(("named", "role"), [("Unit cost", "cost"), ("COGS", "cost"), ("Shipping costs", None)])
def test_what_a_piece_costs_is_found(tmp_path, named, role):
    lines(tmp_path / "lines.csv")
    table = pd.read_csv(tmp_path / "lines.csv")
    table.insert(1, named, 4.5)
    table.to_csv(tmp_path / "lines.csv", index=False)
    columns = of_transactions(look_at(str(tmp_path / "lines.csv"))).section["columns"]
    assert columns.get("cost") == (named if role else None) and columns["price"] == "Price"


def test_names_decide_roles(tmp_path):
    table = weekly().rename(columns={"revenue": "conversions", "week": "time"})
    table = table.assign(revenue_per_conversion=0.3, sentiment_control=np.arange(WEEKS) % 7, population=9.0, t=1.0)
    table = table.assign(geo="A", tv_impressions=table["tv_spend"] * 9, holiday=0, sessions=range(WEEKS))
    table.to_csv(tmp_path / "t.csv", index=False)
    found = of_panel(look_at(str(tmp_path / "t.csv")))
    assert of_transactions(look_at(str(tmp_path / "t.csv"))) is None
    assert found.section == {
        "path": str(tmp_path / "t.csv"),
        "week": "time",
        "geo": "geo",
        "kpi": "conversions",
        "kpi_value": "revenue_per_conversion",
        "population": "population",
        "spend": {"tv": "tv_spend", "search": "search_spend"},
        "exposure": {"tv": "tv_impressions"},
        "controls": ["sentiment_control"],
        "holidays": ["holiday"],
    }
    assert (found.unused, found.clock) == (("sessions",), ("t",))


DATA = Path("../shared/data")
SIZES = {
    "meridian/geo_media.csv": (20, 156, 4),
    "meridian/national_media.csv": (1, 156, 4),
    "robyn/dt_simulated_weekly.csv": (1, 208, 6),
    "pymc_marketing/mmm_example.csv": (1, 179, 2),
    "param_recovery/small/panel.csv": (1, 104, 4),
    "inputs/german_csv/de.csv": (2, 30, 3),
    "inputs/german_csv/w.xlsx": (2, 30, 3),
    "inputs/layouts/pre.csv": (1, 60, 3),
    "inputs/layouts/total.csv": (1, 60, 3),
    "inputs/week_notations/epochms.csv": (1, 60, 3),
    "inputs/week_ending/weekly.csv": (1, 60, 3),
    "inputs/future_rows/weekly.csv": (1, 91, 3),
    "inputs/region_na/na.csv": (3, 30, 3),
    "inputs/us_states/lines.csv": (4, 60, 5),
}


@pytest.mark.real_data
@pytest.mark.skipif(not DATA.exists(), reason="the data sets are not beside the project")
@pytest.mark.parametrize("file", SIZES)
def test_public_data_sets_run_unedited(tmp_path, file):
    assert_runs_unedited(tmp_path, file, SIZES[file])


@pytest.mark.real_data
@pytest.mark.skipif(not DATA.exists(), reason="the data sets are not beside the project")
@pytest.mark.usefixtures("compiled")  # half a million lines
def test_online_retail_runs_unedited(tmp_path):
    assert_runs_unedited(tmp_path, "online_retail/online-retail-dataset.csv.gz", (5, 52, 5))


def assert_runs_unedited(folder, file, size):
    made = draft([str(DATA / file)], folder)
    assert (made.geos, made.weeks, made.channels) == size
    (folder / "c.yaml").write_text(made.text, encoding="utf-8")
    assert examine(folder / "c.yaml", root=folder)[1] == []
