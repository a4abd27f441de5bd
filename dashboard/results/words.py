"""The words on screen: what a measurement says, in sentences with counts, intervals and baselines."""

from __future__ import annotations

from engine.assessment.values import CHOSEN_EPOCH, KEPT_EPOCH, Headline, Interval, LowFprRate
from engine.attacks.catalogue import CATALOGUE

DASH = "–"
_LONGEST_QUOTED = 40


def decimals(interval: Interval) -> str:
    """An estimate such as an AUC, three decimals without the leading zero."""
    return short(interval.estimate)


def between(interval: Interval) -> str:
    """The interval of such an estimate."""
    return f"{short(interval.low)} {DASH} {short(interval.high)}"


def percent(interval: Interval) -> str:
    """An estimate of a share, in per cent with one decimal."""
    return f"{100 * interval.estimate:.1f} %"


def percent_between(interval: Interval) -> str:
    """The interval of a share, in per cent with one decimal."""
    return f"{100 * interval.low:.1f} {DASH} {100 * interval.high:.1f} %"


def short(value: float) -> str:
    """A number such as an AUC or a risk, three decimals without the leading zero; a zero has no sign."""
    size = f"{abs(value):.3f}"
    return f"{'−' if value < 0 and float(size) else ''}{size.removeprefix('0')}"


def signed(number: str) -> str:
    """A written number with + or − in front of it; one that is all zeros has no sign."""
    size = number.lstrip("+-−")
    if not size.strip("0."):
        return size
    return f"{'−' if number.startswith(('-', '−')) else '+'}{size}"


def brief(value: float) -> str:
    """A round number such as a bound, with as many decimals as it needs and without the leading zero."""
    return f"{value:g}".removeprefix("0") if 0 < value < 1 else f"{value:g}"


def rate_at(headline: Headline, fpr: float) -> LowFprRate | None:
    """The true positive rate that was asked for at this false positive rate."""
    return next((rate for rate in headline.low_fpr if abs(rate.asked_fpr - fpr) < 1e-12), None)


def unmarked(text: str) -> str:
    """A foreign text in Markdown without any of its marks."""
    return "".join(f"\\{letter}" if letter in "\\`*_{}[]()<>#+-.!|~$:&" else letter for letter in text)


def quoted(text: str) -> str:
    """A piece of a foreign URL in quotes, short enough for a sentence: at most 40 characters of it."""
    return repr(text if len(text) <= _LONGEST_QUOTED else f"{text[:_LONGEST_QUOTED]}…")


def finding(headline: Headline) -> str:
    """What the attacker finds, in numbers of people, beside what guessing would find."""
    members = headline.records // 2
    rate = rate_at(headline, 0.01)
    if rate is None or not rate.claimable:
        return (
            f"Of {members:,} members we cannot say how many an attacker finds who accuses 1 in 100 outsiders: "
            f"there are too few outsiders to count."
        )
    found, low, high = (round(members * share) for share in (rate.tpr.estimate, rate.tpr.low, rate.tpr.high))
    return (
        f"Of {members:,} members, an attacker who accuses 1 in 100 outsiders finds {found:,} "
        f"({low:,}{DASH}{high:,}); guessing would find {round(members / 100):,}."
    )


def scope(headline: Headline, population: str) -> str:
    """For whom the finding holds, and how many models stand behind it."""
    return (
        f"For these {headline.records:,} records of a demonstration set ({population}). "
        f"Attack: {attack_title(headline.attack)}, {headline.targets} models attacked, each with "
        f"{shadows(headline)}; intervals are 95 %."
    )


def attack_title(name: str) -> str:
    """An attack's name on screen."""
    return CATALOGUE[name].title if name in CATALOGUE else name


def shadows(headline: Headline) -> str:
    """The number of shadow models, or what stands in their place, as a phrase."""
    if headline.upper_bound:
        return "its own thresholds: an upper bound, no attacker"
    if headline.known_members:
        return "half of its members known"
    if headline.shadows == 0:
        return "no shadow models"
    return f"{headline.shadows} shadow models{'' if headline.adaptive else ' without the defence'}"


def refused(refusal: str) -> str:
    """The engine's own words on why it refuses a setting, as a sentence."""
    return f"{refusal[0].upper()}{refusal[1:].rstrip('.')}."


def leak(headline: Headline) -> str:
    """Whether an attack beats guessing, and how sure that is."""
    if headline.upper_bound:
        return "An upper bound, no attacker: the thresholds were chosen on the records that are judged."
    if headline.auc.low > 0.5:
        return "The attack does better than guessing."
    if headline.auc.high < 0.5:
        return "The attack does worse than guessing, so something is wrong with it here."
    return "The attack cannot be told from guessing with this many models."


def epsilon(headline: Headline, *, stopped: bool = False) -> tuple[str, str]:
    """What is proved: the value of the tile, and what stands behind it; ``stopped`` where an early epoch is kept."""
    claim = headline.claim
    if claim is None:
        return "no guarantee", "Trained without differential privacy: nothing is proved."
    if claim.epsilon is None:
        return "∞", "No noise was added: this is not a guarantee."
    behind = f"δ = {scientific(claim.delta)}, per run, {claim.relation}, {claim.accountant} accountant."
    return f"{claim.epsilon:.2f}", f"{behind} {KEPT_EPOCH}" if stopped else behind


def epsilon_in_short(headline: Headline, *, stopped: bool) -> str:
    """What is proved, for a table; ``stopped`` where an early epoch is kept."""
    value = epsilon(headline)[0]
    proved = headline.claim is not None and headline.claim.epsilon is not None
    return f"{value} ({CHOSEN_EPOCH} not covered)" if proved and stopped else value


def scientific(value: float) -> str:
    """A small number such as δ."""
    mantissa, exponent = f"{value:.0e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def null_test(headline: Headline) -> str:
    """Whether the attack beats guessing, and the randomization test of "no leakage"."""
    test = headline.null_test
    return (
        f"{leak(headline)} If nothing leaked, a result this strong would come up in "
        f"{100 * test.p_value:.1f} % of cases ({test.draws:,} random re-draws of who was a member)."
    )
