"""The commands beside the dashboard itself: ``privacydial NAME …`` calls ``main`` of the module that COMMANDS names."""
