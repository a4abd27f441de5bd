"""ε from below, measured on a cohort, and what a proved ε allows any attack from above.

NumPy and SciPy only. ``audit`` gives lower bounds, ``ceilings`` what is proved, ``crossing`` compares the two.
"""

from __future__ import annotations

from engine.audits.audit import audit as audit
from engine.audits.cohort import audited_cohort as audited_cohort
from engine.audits.crossing import crossing as crossing
