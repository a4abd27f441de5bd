"""What a visitor has chosen, and what is measured around it; no Streamlit but in `visit`."""
