"""The words of Privacy Dial with their meanings: the one place where a word is defined for readers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Term:
    """A word and what it means here.

    Attributes:
        word: as it is written within a sentence.
        meaning: in one or two sentences.
    """

    word: str
    meaning: str


_MEANINGS = {
    "record": "One labelled example; the unit whose privacy is at stake.",
    "population": (
        "The N contested records of a study, each in or out of any one model's training set, and a disjoint set of "
        "public records that no model ever trains on."
    ),
    "contested record": "A record of which an attacker asks whether a model was trained on it.",
    "public record": (
        "A record that no model ever trains on. Public records are split by seed into those for tuning, for the "
        "defender and for the attacker, at least 300 each, or what needs them is off."
    ),
    "member": "A contested record that the model under attack was trained on; all others are its non-members.",
    "recipe": (
        "A frozen value with everything that decides how a model is trained: population, architecture, mechanisms, "
        "optimizer, DP and seed. What cannot change a number, such as the device, is not in it."
    ),
    "mechanism": "One regularization mechanism, such as dropout; a recipe combines any of them.",
    "cohort": "The M models trained with one recipe, in complementary pairs; 16 unless told otherwise.",
    "pair": (
        "Two models of a cohort: the first trains on a fair coin's draw of the contested records, the second on all "
        "the others. So every record is in exactly one of the two."
    ),
    "wave": "Four pairs, eight models: what is trained, stored and scheduled together.",
    "release": (
        "What the owner publishes of a trained model: the epoch kept, noise on its weights, the treatment of its "
        "answers."
    ),
    "signals": "Arrays computed once from models and records, which attacks read; shape (models, records).",
    "attack": (
        "A function from signals to scores. A higher score always means “more likely a member”, and a score of at "
        "least 0 says “member”."
    ),
    "target": "The model under attack. Every model of a cohort is one in turn.",
    "shadow model": (
        "A model that the attacker trained alike, on records that he chose, to learn what answers on members look "
        "like. A target's shadows are all models of its cohort but those of its own pair."
    ),
    "leave the pair out": (
        "A target is attacked with the shadows of all other pairs, never with its own complement, which would give "
        "its members away."
    ),
    "assessment": (
        "Utility and leakage of one recipe, release and attack, each number with its interval and the counts "
        "behind it."
    ),
    "utility": "The accuracy on contested records that a model was not trained on.",
    "leakage": "What an attack finds out about who was a member.",
    "frontier": "The settings that no other beats: none is at least as accurate and leaks at most as much.",
    "risk of a record": (
        "The mean, over targets that trained on it, of LiRA's posterior of membership at prior ½. The same over "
        "targets without it stands beside."
    ),
    "TPR and FPR": (
        "True positive rate: the share of members that are accused. False positive rate: the share of non-members "
        "that are accused, the false alarms."
    ),
    "AUC": "The probability that a random member scores above a random non-member: .5 is guessing, 1 is certainty.",
    "ε and δ": (
        "What differential privacy proves of one training: adding or removing one record changes the probability of "
        "anything that the model may turn out to be by a factor of at most e^ε, but for a probability δ."
    ),
    "noise multiplier σ": "The noise of DP-SGD in units of the clip.",
    "clip": "The largest norm that the gradient of one record may have in DP-SGD.",
    "interval": "Where the number would be in 95 of 100 repetitions, for these records unless said otherwise.",
    "adaptive attacker": "An attacker whose shadow models have the defence of the target; the honest opponent.",
}

GLOSSARY: tuple[Term, ...] = tuple(Term(word=word, meaning=meaning) for word, meaning in _MEANINGS.items())

_LIMITS = {
    "A low number is no guarantee": (
        "It is what these attacks found. A stronger attack, or one with more shadow models, may find more; the "
        "number of shadows stands beside every leakage figure."
    ),
    "An average hides people": (
        "An AUC of .55 can go with a few records that are found for certain. Look at the rate at few false alarms "
        "and at the risk of single records."
    ),
    "For these records": (
        "Intervals are for the N records of the study, whose membership fair coins decided. Statements about people "
        "in general are wider."
    ),
    "Real attackers start with less": (
        "Half of the records that are asked about are members here. Where one in a thousand is, far fewer "
        "accusations are right; the movable threshold shows how many."
    ),
    "Measured is not proved": (
        "Noise on weights, weight decay and other mechanisms come with no proof, however well they measure. Only "
        "DP-SGD has an ε, and only for what its accounting assumes."
    ),
    "ε is per run": (
        "Choosing among many runs, or an epoch, by looking at private accuracy spends more than the ε of one of them."
    ),
    "Rates of few are not claimed": (
        "Where fewer than ten false alarms are expected, a rate is shown in grey and no claim rests on it."
    ),
    "The best of many flatters": (
        "The lowest AUC of many settings is too low on average. A recommended setting is chosen on one half of the "
        "pairs and reported on the other."
    ),
}

LIMITS: tuple[Term, ...] = tuple(Term(word=word, meaning=meaning) for word, meaning in _LIMITS.items())
"""What the numbers do not mean."""
