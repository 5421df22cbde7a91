"""The section of transaction lines: where they are, how they are cleaned, and which KPI they give."""

from collections.abc import Iterator
from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from mmm_bayes.config.file import OF_TIMES, TableFile
from mmm_bayes.config.holidays import Holidays, unknown_countries
from mmm_bayes.config.section import Fraction, Mistake, Positive, Section, Share, Whole
from mmm_bayes.config.source import SourceTable

Part = Annotated[Share, Field(ge=0, le=1)]


MONEY = ("revenue", "margin")
"""Those of the KPIs of transactions that are counted in currency."""

OF_CUSTOMERS = ("new_customers", "returning_customers")
"""Those that need to know who bought."""


class TransactionColumns(Section):
    """Which column of the transaction table holds what (``cost``, ``customer`` and ``geo`` may be absent)."""

    invoice: str
    product: str
    quantity: str
    date: str
    price: str
    cost: str | None = None
    customer: str | None = None
    geo: str | None = None


class ProductCosts(TableFile):
    """A table of what a piece of each product costs, from a day on; always, where it has no ``valid_from``."""

    product: str
    cost: str
    valid_from: str | None = None


class Transactions(SourceTable):
    """Where the transaction lines are and how they are cleaned and aggregated.

    ``cancellation_prefix`` and ``non_product_codes`` (``*`` stands for any characters) come with a preset; without
    one there are none. With ``incremental`` a run keeps what the next one needs to read only files that were added.
    ``kpi`` is what the model explains; ``kpi_value`` is the currency that one of it is worth, where
    it is no money. Lines before ``start`` or after ``end`` are left out. ``warn_above`` and ``stop_above`` are
    shares, of the lines or of the money, that cannot be used. Of the ``top_n`` geos with most revenue, those with
    orders in fewer than ``min_active`` of the weeks go to ``rest`` as well. ``holidays`` is ``auto`` (by the geo's
    name), ``none``, a country code for all geos (``GB`` or, with a subdivision, ``GB-ENG``), or geo: code.
    """

    directives: ClassVar = OF_TIMES
    multiline: Literal["auto", "always", "never"] = "auto"
    preset: Literal["online_retail", "online_retail_ii"] | None = None
    columns: TransactionColumns | None = None
    kpi: Literal["revenue", "margin", "orders", "units", "new_customers", "returning_customers"] = "revenue"
    kpi_value: Positive | None = None
    costs: ProductCosts | None = None
    incremental: bool = False
    cancellations: Literal["own_week", "order_week"] = "own_week"
    cancellation_prefix: str | None = None
    duplicates: Literal["ask", "drop", "keep"] = "ask"
    warn_above: Part = 0.005
    stop_above: Part = 0.05
    non_product_codes: tuple[str, ...] | None = None
    start: date | None = None
    end: date | None = None
    top_n: Annotated[Whole, Field(ge=1)] | None = 5
    min_active: Fraction = 0.8
    rest: str = "Rest"
    geo_level: Literal["geo", "national"] = "geo"
    week_start: Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] = "monday"
    holidays: Holidays = "auto"
    controls: tuple[Literal["trading_days", "average_price"], ...] = ("trading_days",)

    def mistakes(self) -> Iterator[Mistake]:
        """No columns, or two sets of them; days that leave nothing."""
        if (self.preset is None) == (self.columns is None):
            yield "", "give either 'preset' or 'columns' (one of the two)"
        if self.start is not None and self.end is not None and self.end < self.start:
            yield "end", f"is {self.end} and 'start' {self.start}: no day lies between; exchange them"
        if self.incremental and self.cancellations == "order_week":
            yield (
                "incremental",
                "cannot be had with 'cancellations' as order_week, which needs all lines; drop one of them",
            )
        if self.incremental and self.by_spark:
            yield "incremental", "is for files, and Spark reads these data by its own rules; leave it out"
        yield from self._about_the_kpi()
        yield from super().mistakes()
        if self.holidays not in ("auto", "none"):
            yield from unknown_countries("holidays", self.holidays)

    def _about_the_kpi(self) -> Iterator[Mistake]:
        """Yield a KPI that nothing tells, one whose worth nobody knows, and costs that stand there twice."""
        cost = self.columns.cost if self.columns else None
        if cost is not None and self.costs is not None:
            yield "costs", "says what 'columns.cost' does; leave one of them out"
        if self.kpi == "margin" and cost is None and self.costs is None:
            yield "kpi", "is margin, which needs what a piece costs; give its column, 'columns.cost', or 'costs'"
        if self.kpi in OF_CUSTOMERS and self.columns is not None and self.columns.customer is None:
            yield "kpi", f"is {self.kpi}, which needs to know who bought; name the column as 'columns.customer'"
        if self.kpi not in MONEY and self.kpi_value is None:
            yield "kpi_value", f"is missing: {self.kpi} are no money; give the currency that one of them is worth"
        if self.kpi in MONEY and self.kpi_value is not None:
            yield "kpi_value", f"is of no use: {self.kpi} is money already; leave it out"
