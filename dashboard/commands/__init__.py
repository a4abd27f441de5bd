"""The commands beside the dashboard itself; ``dashboard.launch.COMMANDS`` says which there are."""
