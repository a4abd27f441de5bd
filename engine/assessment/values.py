"""What an assessment says: frozen values with NumPy arrays, fit for a screen that must not import torch."""

from __future__ import annotations

from dataclasses import dataclass

from engine.assessment.looks import Verdict
from engine.assessment.parts import (
    Agreement,
    Answers,
    DistanceSearch,
    GroupRisk,
    Interval,
    Pictures,
    PrecisionRecall,
    RecordRisk,
    Reliability,
    Riskiest,
    RiskScore,
    RocCurve,
    ScoreHistogram,
    Verdicts,
)
from engine.audits.values import Ceiling, Crossing, LowerBound
from engine.packages import Package

CLAIMABLE_FALSE_ALARMS = 10
"""False alarms that must be expected at an FPR before the TPR there is worth claiming."""

CHOSEN_EPOCH = "choosing the epoch by looking at private accuracy"
"""What an ε at an early epoch does not cover."""

KEPT_EPOCH = f"It is for the steps up to the kept epoch; {CHOSEN_EPOCH} is not covered by it."
"""What stands beside an ε at an early epoch, as a sentence."""


@dataclass(frozen=True, kw_only=True)
class LowFprRate:
    """The true positive rate (TPR) at a small false positive rate (FPR), and what stands behind it.

    Attributes:
        asked_fpr: the FPR that was asked for, in (0, 1).
        tpr: mean over targets of the largest TPR whose FPR does not exceed ``asked_fpr``.
        achieved_fpr: mean over targets of the FPR at that threshold; each threshold is the target's own.
        expected_false_alarms: asked_fpr × non-members × targets; below 10 the rate should not be claimed.
        non_members: distinct records that are non-members of some target.
    """

    asked_fpr: float
    tpr: Interval
    achieved_fpr: float
    expected_false_alarms: float
    non_members: int

    @property
    def claimable(self) -> bool:
        """Whether enough false alarms are expected for the rate to mean something."""
        return self.expected_false_alarms >= CLAIMABLE_FALSE_ALARMS


@dataclass(frozen=True, kw_only=True)
class NullTest:
    """Randomization test of "no leakage": the signals stay, every pair's mask is drawn anew.

    Attributes:
        p_value: (1 + draws at least as extreme) / (1 + draws), exact under "no leakage".
        draws: how many times all masks were drawn.
        halves: whether the attack, too costly to be fitted for every draw, was fitted on one half of the pairs while
            the masks of the other half were drawn anew, both ways; the p-value is then twice the smaller one.
    """

    p_value: float
    draws: int
    halves: bool = False


@dataclass(frozen=True, kw_only=True)
class PrivacyClaim:
    """What is proved about the recipe, by an accountant, for one run.

    Attributes:
        epsilon: ε at ``delta``; None where no ε is finite.
        delta: δ.
        accountant: who says so: "PRV", "RDP", "exact", or "none" without an ε.
        relation: how neighbouring data sets differ, and how batches are drawn.
    """

    epsilon: float | None
    delta: float
    accountant: str
    relation: str = "add or remove one record"


@dataclass(frozen=True, kw_only=True)
class Headline:
    """All single numbers of an assessment of one (recipe, release, attack).

    Attributes:
        attack: the attack's name.
        records: N, contested records.
        classes: C, labels.
        pairs: complementary pairs of the cohort; there are 2 × pairs targets.
        shadows: models that each target was attacked with, 2 × pairs − 2.
        draws: K, released copies of each model over which metrics were averaged.
        train_accuracy: on the members, mean over targets.
        test_accuracy: on the contested non-members, mean over targets.
        auc: area under the ROC curve, mean over targets.
        balanced_accuracy: (TPR + TNR)/2 at the threshold chosen on shadows, mean over targets.
        low_fpr: TPR at 1 % and at 0.1 % FPR.
        null_test: the randomization test on the first draw.
        claim: what the accountant proves, None for training without DP-SGD.
        adaptive: whether the shadows share the target's recipe and release.
        known_members: whether thresholds come from half of the target's members and the rest is judged.
        upper_bound: whether thresholds come from the very records that are judged: no attacker does as well.
    """

    attack: str
    records: int
    classes: int
    pairs: int
    shadows: int
    draws: int
    train_accuracy: Interval
    test_accuracy: Interval
    auc: Interval
    balanced_accuracy: Interval
    low_fpr: tuple[LowFprRate, ...]
    null_test: NullTest
    claim: PrivacyClaim | None
    adaptive: bool = True
    known_members: bool = False
    upper_bound: bool = False

    @property
    def targets(self) -> int:
        """M, the number of models attacked."""
        return 2 * self.pairs

    @property
    def smallest_claimable_fpr(self) -> float:
        """The FPR at which just enough false alarms are expected; below it no TPR should be claimed."""
        rate = self.low_fpr[0]
        return CLAIMABLE_FALSE_ALARMS * rate.asked_fpr / rate.expected_false_alarms


@dataclass(frozen=True, kw_only=True)
class Attackers:
    """The same attack with shadows of the target's own recipe and release, and with those of another.

    Attributes:
        adaptive: AUC with shadows of the same recipe and release.
        non_adaptive: AUC with the other shadows.
        difference: adaptive minus non-adaptive, paired.
    """

    adaptive: Interval
    non_adaptive: Interval
    difference: Interval


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two settings on the same masks: second minus first, each with its 95 % interval, in [−1, 1].

    Attributes:
        train_accuracy: difference on the members.
        test_accuracy: difference on the contested non-members.
        auc: difference of the attack's AUC; positive means that the second leaks more.
        tpr: difference of the attack's TPR at 1 % FPR.
        loss_rank: how alike the two order the members by loss: Spearman's ρ, mean over models.
        pairs: complementary pairs on either side.
        p_value: two-sided, of "both have the same AUC", for one look at these pairs.
        verdict: whether the second leaks less, at 5 % over all looks at 1, 2, 4, 8, … waves.
        more_waves: about how many further waves the verdict on AUC needs if the difference is as it looks; 0 when
            there is one, None when it is not worth training so many.
    """

    train_accuracy: Interval
    test_accuracy: Interval
    auc: Interval
    tpr: Interval
    loss_rank: Interval
    pairs: int
    p_value: float
    verdict: Verdict
    more_waves: int | None


@dataclass(frozen=True, kw_only=True)
class Reason:
    """How a property of records goes with their risk.

    Attributes:
        name: the property.
        correlation: Spearman's rank correlation between the property and the risk, over records.
    """

    name: str
    correlation: Interval


@dataclass(frozen=True, kw_only=True)
class Honesty:
    """What a reader should know before believing the figures; counts and the null test are in the headline.

    Attributes:
        ties: share of the scores, over targets, that another record of the same target has too.
        smallest_claimable_fpr: below it, too few false alarms are expected for a TPR to be claimed.
        threat_model: what the attacker knows, one sentence.
        epsilon_assumes: what the ε and its ceiling presume, one sentence; empty without an ε.
        blind_baseline: AUC of telling members from non-members without any model; None where masks are fair coins,
            so that nothing but the models can tell.
    """

    ties: float
    smallest_claimable_fpr: float
    threat_model: str
    epsilon_assumes: str = ""
    blind_baseline: Interval | None = None


@dataclass(frozen=True, kw_only=True)
class Assessment:
    """Utility and leakage of one (recipe, release, attack), each number with its interval.

    Parts with a default are absent from assessments that were stored before there was such a part, or where there
    is nothing to say.

    Attributes:
        risk: LiRA's posterior, whatever attack is assessed, as are ``reliability``, ``precision_recall``,
            ``riskiest`` and ``groups``.
        attackers: the adaptive attacker beside the one whose shadows were given.
        audits: lower bounds of ε.
        ceilings: upper bounds of the ROC curve.
        crossing: whether the attack does better than what is proved.
        reasons: what goes with a record's risk.
        search: how distances were found, where they are what the attack reads.
        trained_with: the versions of what trained its waves and those of its shadow models, each combination once,
            an empty one for waves of which nobody recorded them.
        assessed_with: the versions of what computed the assessment; empty where nobody recorded them.
    """

    headline: Headline
    roc: RocCurve
    histogram: ScoreHistogram
    risk: RecordRisk
    reliability: Reliability
    answers: Answers | None = None
    honesty: Honesty | None = None
    precision_recall: PrecisionRecall | None = None
    risk_score: RiskScore | None = None
    groups: tuple[GroupRisk, ...] = ()
    riskiest: Riskiest | None = None
    verdicts: Verdicts | None = None
    agreement: Agreement | None = None
    pictures: Pictures | None = None
    attackers: Attackers | None = None
    audits: tuple[LowerBound, ...] = ()
    ceilings: tuple[Ceiling, ...] = ()
    crossing: Crossing | None = None
    reasons: tuple[Reason, ...] = ()
    search: DistanceSearch | None = None
    trained_with: tuple[tuple[Package, ...], ...] = ()
    assessed_with: tuple[Package, ...] = ()
