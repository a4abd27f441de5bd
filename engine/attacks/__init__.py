"""One function per attack, in NumPy; a higher score always means "more likely a member".

An attack takes the target's signals, the shadows' signals and the shadows' masks; the target's own mask is
no argument of it. It says "member" where its score is at least 0. ``catalogue`` describes the attacks in words.
"""

from __future__ import annotations

from engine.attacks.attack import Attack
from engine.attacks.likelihood_ratio import lira
from engine.attacks.thresholds import confidence_by_class, loss

ATTACKS: dict[str, Attack] = {"lira": lira, "confidence_by_class": confidence_by_class, "loss": loss}
