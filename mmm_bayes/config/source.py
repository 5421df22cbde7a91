"""Where the data of a run are: files, or whatever Spark can read."""

from collections.abc import Iterator

from mmm_bayes.config.file import FORMATS, TableFile
from mmm_bayes.config.section import Mistake
from mmm_bayes.errors import close


class SourceTable(TableFile):
    """A table of files that we read by our own rules, or one that Spark reads by its own.

    Spark does so where ``table`` names one of its catalogs (``catalog.schema.name``, or a view), ``query`` is its SQL,
    or ``format`` is another than `FORMATS` or has ``options``: ``orc``, ``avro``, ``jdbc``, ``delta``, ``iceberg`` and
    whatever else the session knows. Options may hold variables of the environment, such as ``${PASSWORD}``.
    """

    path: str = ""
    format: str | None = None
    table: str | None = None
    query: str | None = None
    options: dict[str, str] = {}

    @property
    def by_spark(self) -> bool:
        """Whether Spark reads it by its own rules."""
        return bool(self.table or self.query or self.options or self._other_format)

    @property
    def place(self) -> str:
        """What a sentence calls it."""
        query = f"the query '{' '.join((self.query or '').split()):.60}'"
        return self.path or self.table or (query if self.query else f"the {self.format} source")

    @property
    def _other_format(self) -> bool:
        return self.format is not None and self.format not in FORMATS

    def mistakes(self) -> Iterator[Mistake]:
        """Yield no place or several, and what Spark's reader has no use for."""
        given = [name for name in ("path", "table", "query") if getattr(self, name)]
        if len(given) > 1:
            yield given[1], f"names the data, as '{given[0]}' does; leave one of them out"
        if not (given or self._other_format or "path" in self.model_fields_set):
            yield "", "names no data; give 'path' (files), or 'table' or 'query' of Spark"
        if self.query and self.options:
            yield "options", "are of no use beside 'query'; leave them out"
        if (self.table or self.query) and self.format:
            yield "format", "is known of a table; leave it out"
        if self.options and not (self.format or self.table or self.query):
            yield "options", "are those of a format; name it in 'format'"
        if self.options and self.format == "excel":
            yield "options", "are Spark's, which reads no workbooks; leave them out"
        if self._other_format and (meant := close(str(self.format), list(FORMATS))):
            yield "format", f"is {self.format}; did you mean '{meant}'?"
        yield from super().mistakes()
