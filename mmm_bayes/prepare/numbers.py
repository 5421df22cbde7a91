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
    exact = notation.decimal == "." and kind.startswith("decimal")  # Spark itself reads no other texts as such
    plain = (texts if exact else F.when(texts.rlike(notation.plain), texts)).try_cast(kind)
    bare = F.replace(F.regexp_replace(texts, notation.no_digit, ""), F.lit(notation.decimal), F.lit("."))
    size = F.when(texts.rlike(notation.pattern), bare).try_cast(kind)
    size = F.when(texts.rlike(notation.below_zero), -size).otherwise(size)
    size = F.when(texts.contains("%"), size / 100).otherwise(size).try_cast(kind)
    return F.coalesce(plain, size)
