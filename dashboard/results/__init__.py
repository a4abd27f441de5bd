"""Measurements as figures, sentences and tables; no Streamlit."""
