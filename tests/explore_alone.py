"""The page Explore as a script of its own, for AppTest: the dashboard itself opens on another page."""

from dashboard.pages import explore

explore.page()
