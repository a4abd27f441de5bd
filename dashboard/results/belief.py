"""Can I believe this? What a reader should know before believing the figures, as terms with their sentences."""

from __future__ import annotations

from dashboard.results.words import between, decimals, null_test, shadows
from engine.assessment.values import CHOSEN_EPOCH, CLAIMABLE_FALSE_ALARMS, Assessment, DistanceSearch, Interval

Facts = list[tuple[str, str]]


def facts(found: Assessment, *, stopped: bool = False) -> Facts:
    """The honesty panel; ``stopped`` where an early epoch is kept."""
    head, honesty = found.headline, found.honesty
    counted = [
        (
            "Records and models",
            f"{head.records:,} records, {head.targets} models attacked, each with {shadows(head)}.",
        ),
        (
            f"Rates are claimed from {100 * head.smallest_claimable_fpr:.2g} % false alarms on",
            f"Below, fewer than {CLAIMABLE_FALSE_ALARMS} false alarms are expected and no rate is claimed.",
        ),
        ("Could it be chance?", null_test(head)),
    ]
    if honesty is None:
        return counted
    return [
        *counted,
        (f"Ties: {100 * honesty.ties:.1f} % of the scores", _ties(honesty.ties)),
        ("Telling members without the model", _blind(honesty.blind_baseline)),
        *_search(found.search),
        ("Threat model", honesty.threat_model),
        ("What ε assumes", _assumed(honesty.epsilon_assumes, stopped=stopped)),
    ]


def _assumed(assumed: str, *, stopped: bool) -> str:
    """What must be true for ε to hold, and what it leaves out."""
    if not assumed:
        return "No ε is claimed here, so nothing is assumed."
    return f"{assumed} {CHOSEN_EPOCH[0].upper()}{CHOSEN_EPOCH[1:]} is not covered by it." if stopped else assumed


def _search(search: DistanceSearch | None) -> Facts:
    """What stands behind the distances of a distance attack, if it is one."""
    if search is None:
        return []
    about = (
        f"{100 * search.confident:.1f} % of the records are there as they are: their distance is 0, all tied. For "
        f"{100 * search.failed:.1f} % no change was found; their distance is the end of the search."
    )
    return [(f"A model counts as confident from {search.tau:g} on", about)]


def _ties(share: float) -> str:
    if share == 0:
        return "No two records of a model have the same score."
    return "Records with the same score are accused together; what stands in the order of rows changes nothing."


def _blind(baseline: Interval | None) -> str:
    if baseline is None:
        return "Impossible here: fair coins decided who was a member, so the records themselves tell nothing."
    verdict = (
        "The two groups differ by themselves: an attack's success may say little about the model."
        if baseline.low > 0.5
        else "The records alone do not tell members from outsiders."
    )
    return f"AUC {decimals(baseline)} ({between(baseline)}) from the records alone. {verdict}"
