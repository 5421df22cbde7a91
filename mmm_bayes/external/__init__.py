"""What moves the KPI besides media: external tables and events become weekly controls."""

from mmm_bayes.external.controls import WeeklyControls, weekly_controls
from mmm_bayes.external.places import Places
from mmm_bayes.external.tables import External, read_external

__all__ = ["External", "Places", "WeeklyControls", "read_external", "weekly_controls"]
