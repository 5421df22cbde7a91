"""The Streamlit dashboard; no arithmetic."""
