"""What is known about public transaction data sets: their columns, dates, cancellations and odd codes."""

from dataclasses import dataclass

from mmm_bayes.config import TransactionColumns, Transactions

ONLINE_RETAIL_CODES = (
    "POST",  # postage
    "DOT",  # postage of the web shop
    "C2",  # carriage
    "M",  # manual entry
    "D",  # discount
    "S",  # samples
    "B",  # bad debt
    "ADJUST*",
    "AMAZONFEE",
    "BANK CHARGES",
    "CRUK",  # commission to a charity
    "PADS",  # a cost line of 0.001
    "gift_*",  # vouchers
    "TEST*",
)


@dataclass(frozen=True)
class Layout:
    """Everything `Transactions` leaves to its preset, decided."""

    columns: TransactionColumns
    date_format: str | None
    cancellation_prefix: str
    non_product_codes: tuple[str, ...]


ONLINE_RETAIL = Layout(
    columns=TransactionColumns(
        invoice="InvoiceNo",
        product="StockCode",
        quantity="Quantity",
        date="InvoiceDate",
        price="UnitPrice",
        customer="CustomerID",
        geo="Country",
    ),
    date_format="%m/%d/%Y %H:%M",
    cancellation_prefix="C",
    non_product_codes=ONLINE_RETAIL_CODES,
)
ONLINE_RETAIL_II = Layout(
    columns=TransactionColumns(
        invoice="Invoice",
        product="StockCode",
        quantity="Quantity",
        date="InvoiceDate",
        price="Price",
        customer="Customer ID",
        geo="Country",
    ),
    date_format=None,
    cancellation_prefix="C",
    non_product_codes=ONLINE_RETAIL_CODES,
)
PRESETS = {"online_retail": ONLINE_RETAIL, "online_retail_ii": ONLINE_RETAIL_II}


def layout(table: Transactions) -> Layout:
    """Return how the transactions are laid out: as the configuration says, else as its preset does."""
    preset = Layout(table.columns, None, "", ()) if table.columns else PRESETS[str(table.preset)]
    prefix, codes = table.cancellation_prefix, table.non_product_codes
    return Layout(
        preset.columns,
        table.date_format or preset.date_format,
        preset.cancellation_prefix if prefix is None else prefix,
        preset.non_product_codes if codes is None else codes,
    )
