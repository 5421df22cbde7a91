"""The Streamlit dashboard: the report's words, tables and figures on tabs, and a what-if; no arithmetic."""
