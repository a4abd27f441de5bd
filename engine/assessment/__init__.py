"""Utility and leakage of a cohort, each number with its interval."""

from __future__ import annotations

from engine.assessment.assess import assess as assess
