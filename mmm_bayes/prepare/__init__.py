"""Raw tables to a weekly panel, in Spark."""
