"""The tables of a report as one workbook, for those who plan in a spreadsheet."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import xlsxwriter

from mmm_bayes.report.numbers import Shown
from mmm_bayes.report.tables import Table
from mmm_bayes.report.words import say

SHEETS = {
    "decision": ("first_table",),
    "plan": ("plan_table", "sure_table", "geos_table", "what_if_table"),
    "totals": ("totals_table",),
    "weeks": ("schedule_table", "ahead_table", "ahead_weeks_table", "ahead_geos_table"),
    "returns": ("roi_table", "time_table", "geo_table", "lift_table", "lift_roi_table"),
    "kpi": ("parts_table", "shares_table"),
    "shapes": ("carry_over_table", "shape_table"),
    "models": ("models_table", "errors_table", "truth_table"),
    "checks": ("checks_table", "foundations_table"),
    "data": ("waterfall_table", "evidence_table"),
}
"""Tables of each sheet, by their names in the context of the templates; what there is not is left out."""

WIDEST = 60
"""Letters of a column; longer texts are cut by the next cell."""


def write_workbook(path: Path, context: Mapping[str, Any]) -> None:
    """Write the tables of a report as a workbook; numbers are numbers, and no text is ever taken for a formula.

    Args:
        path: of the file.
        context: values of the templates, see `content.make_context`.
    """
    sheets = {
        code: [table for name in names if isinstance(table := context.get(name), Table)]
        for code, names in SHEETS.items()
    }
    made: datetime = context["made"]
    whole = BytesIO()  # a full disk is then met by one write, which leaves no file open
    options = {"strings_to_formulas": False, "strings_to_urls": False, "in_memory": True}
    with xlsxwriter.Workbook(whole, options) as book:
        book.set_properties({"title": context["title"], "created": made.replace(tzinfo=None)})
        for code, tables in sheets.items():
            if tables:
                _fill(book, book.add_worksheet(say(f"sheet.{code}")), tables)
    path.write_bytes(whole.getvalue())


def _fill(book: xlsxwriter.Workbook, sheet: Any, tables: Sequence[Table]) -> None:
    """Write tables below each other: title, heads, rows."""
    title, head = book.add_format({"bold": True, "font_size": 12}), book.add_format({"bold": True, "bottom": 1})
    line = 0
    for table in tables:
        sheet.write_string(line, 0, table.title, title)
        for column, text in enumerate(table.heads):
            sheet.write_string(line + 1, column, text, head)
        for i, row in enumerate(table.rows):
            for column, cell in enumerate(row):
                _write(book, sheet, (line + 2 + i, column), cell, i in table.bold)
        line += len(table.rows) + 3
    sheet.autofit(7 * WIDEST)


def _write(book: xlsxwriter.Workbook, sheet: Any, place: tuple[int, int], cell: str, bold: bool) -> None:
    if isinstance(cell, Shown):
        sheet.write_number(*place, cell.value, book.add_format({"num_format": cell.form, "bold": bold}))
    else:
        sheet.write_string(*place, cell, book.add_format({"bold": bold}))
