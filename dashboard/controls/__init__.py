"""The widgets that turn one view into another."""
