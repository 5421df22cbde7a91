"""The Streamlit dashboard: the report on tabs, a planner to play with, runs side by side; no arithmetic."""
