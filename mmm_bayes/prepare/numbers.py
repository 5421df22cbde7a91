"""The rule of `mmm_bayes.tables.cells` in Spark."""

from pyspark.sql import Column
from pyspark.sql import functions as F

from mmm_bayes.tables import Notation


def number(texts: Column, notation: Notation, kind: str) -> Column:
    """Return written numbers as ``kind``, such as ``double``; null for texts that are none.

    Args:
        texts: without space around them.
        notation: how the numbers of the table are written.
        kind: a type of Spark.
    """
    if notation.decimal == "." and kind.startswith("decimal"):  # Spark reads no other texts as such than we
        rest = F.transform(F.array(texts), lambda text: _as_people_write(text, notation, kind))
        return F.coalesce(texts.try_cast(kind), F.get(rest, F.lit(0)))  # compiled, the rest would slow all cells down
    plain = F.when(texts.rlike(notation.plain), texts).try_cast(kind)
    return F.coalesce(plain, _as_people_write(texts, notation, kind))


def _as_people_write(texts: Column, notation: Notation, kind: str) -> Column:
    bare = F.replace(F.regexp_replace(texts, notation.no_digit, ""), F.lit(notation.decimal), F.lit("."))
    size = F.when(texts.rlike(notation.pattern), bare).try_cast(kind)
    size = F.when(texts.rlike(notation.below_zero), -size).otherwise(size)
    return F.when(texts.contains("%"), size / 100).otherwise(size).try_cast(kind)
