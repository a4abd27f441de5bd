"""What the page Methods explains, in which order: catalogues in full, and formulas by the function that has them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from functools import lru_cache
from typing import get_args

from dashboard.results.docstrings import Docstring, Place, attribute, docstring, listed, parsed
from dashboard.results.methods import Chapter, Entry, anchor
from engine.architectures import Architecture
from engine.attacks.catalogue import CATALOGUE, KNOWLEDGE, AttackInfo
from engine.audits.values import ASSUMPTIONS, BoundName
from engine.calibration import CALIBRATIONS
from engine.glossary import GLOSSARY, LIMITS, Term
from engine.mechanisms import Mechanism
from engine.populations.catalogue import POPULATIONS, PopulationInfo
from engine.recipe import DpSgd, Optimizer
from engine.references import REFERENCES, Reference
from engine.release.values import Outputs, WeightNoise

_TITLES: Mapping[str, str] = {
    "Sgd": "SGD",
    "DpSgd": "DP-SGD",
    "WeightNoise": "Noise on weights",
    "TopK": "Top k",
    "LabelOnly": "Labels only",
    "Logistic": "Logistic regression",
    "Mlp": "MLP",
    "Rnn": "RNN",
    "Gru": "GRU",
    "Lstm": "LSTM",
    "Cnn1d": "CNN 1-D",
    "Cnn2d": "CNN 2-D",
}
"""Names of kinds that have none of their own beside the one in recipes."""

_IN_WORDS: Mapping[str, str] = {
    "accuracy": "utility",
    "auc": "AUC",
    "tpr": "TPR and FPR",
    "scores": "attack",
    "signals": "signals",
    "attackers": "adaptive attacker",
    "intervals": "interval",
    "frontier": "frontier",
    "risk": "risk of a record",
    "epsilon": "ε and δ",
    "clipping": "clip",
}
"""The words of the glossary that an entry begins with."""

_ASSESSMENT, _AUDITS, _TRAINING = "engine.assessment", "engine.audits", "engine.training"

_UTILITY_AND_LEAKAGE: dict[str, tuple[str, tuple[Place, ...]]] = {
    "accuracy": ("Test and train accuracy", ((f"{_ASSESSMENT}.assess", "accuracy"),)),
    "auc": ("Attack AUC", ((f"{_ASSESSMENT}.roc", "auc"),)),
    "tpr": (
        "Members found at few false alarms",
        ((f"{_ASSESSMENT}.roc", "tpr_at_fpr"), (f"{_ASSESSMENT}.values", "LowFprRate")),
    ),
    "balanced-accuracy": ("Balanced accuracy", ((f"{_ASSESSMENT}.roc", "balanced_accuracy"),)),
    "roc": ("ROC curve and its band", ((f"{_ASSESSMENT}.parts", "RocCurve"), (f"{_ASSESSMENT}.intervals", "band"))),
    "scores": (
        "Scores of members and of others",
        ((f"{_ASSESSMENT}.parts", "ScoreHistogram"), ("engine.attacks.leave_pair_out", "")),
    ),
    "signals": ("What attacks read", (("engine.signals", "Signals"),)),
    "thresholds-from-the-target": ("Thresholds from the target itself", (("engine.attacks.informed", ""),)),
}
_INTERVALS: dict[str, tuple[str, tuple[Place, ...]]] = {
    "intervals": ("Intervals", ((f"{_ASSESSMENT}.intervals", ""),)),
    "t-interval": ("Student t over pairs", ((f"{_ASSESSMENT}.intervals", "over_pairs"),)),
    "jackknife": ("Delete-one-pair jackknife", ((f"{_ASSESSMENT}.intervals", "jackknife"),)),
    "clopper-pearson-interval": ("Clopper–Pearson", ((f"{_ASSESSMENT}.intervals", "at_least_binomial"),)),
    "intervals-of-means": ("Intervals of many means", ((f"{_ASSESSMENT}.intervals", "of_means"),)),
    "null-test": ("Could it be chance?", ((f"{_ASSESSMENT}.null", "no_leakage_test"),)),
    "honesty": ("Can I believe this?", ((f"{_ASSESSMENT}.values", "Honesty"),)),
    "comparison": ("Differences of two settings", ((f"{_ASSESSMENT}.comparison", "compare"),)),
    "loss-ranks": (
        "Are the same members hard for both?",
        ((f"{_ASSESSMENT}.comparison", "loss_rank_correlation"),),
    ),
    "rank-correlation": ("Rank correlation", ((f"{_ASSESSMENT}.ranks", "rank_correlation"),)),
    "looks": ("Verdicts that may be looked at again", ((f"{_ASSESSMENT}.looks", "spent"),)),
    "more-waves": ("How many more waves", ((f"{_ASSESSMENT}.looks", "more_waves"),)),
    "attackers": ("Adapting and not adapting", ((f"{_ASSESSMENT}.values", "Attackers"), ("engine.calibration", ""))),
    "frontier": ("Frontier", ((f"{_ASSESSMENT}.frontier", "Frontier"),)),
    "recommendation": ("A recommended setting", ((f"{_ASSESSMENT}.comparison", "recommended"),)),
}
_PEOPLE: dict[str, tuple[str, tuple[Place, ...]]] = {
    "risk": (
        "Risk of a record",
        ((f"{_ASSESSMENT}.risk", "record_risk"), (f"{_ASSESSMENT}.risk", "pair_risk")),
    ),
    "riskiest": ("The riskiest records", ((f"{_ASSESSMENT}.risk", "riskiest"),)),
    "changes": (
        "Before and after a protection",
        (
            (f"{_ASSESSMENT}.changes", ""),
            (f"{_ASSESSMENT}.changes", "changed"),
            (f"{_ASSESSMENT}.changes", "changed_on_second_half"),
            (f"{_ASSESSMENT}.changes", "group_change"),
        ),
    ),
    "group-risk": ("Risk by group", ((f"{_ASSESSMENT}.risk", "group_risk"),)),
    "reliability": ("Do the risks come true?", ((f"{_ASSESSMENT}.risk", "reliability"),)),
    "precision-recall": (
        "Who is found, and how often is that right?",
        ((f"{_ASSESSMENT}.risk", "precision_recall"),),
    ),
    "risk-score": ("Privacy risk score", ((f"{_ASSESSMENT}.risk_score", "privacy_risk_score"),)),
    "phi": ("How confident the models are of a record", ((f"{_ASSESSMENT}.parts", "Answers"),)),
    "verdicts": ("What every attack says of a record", ((f"{_ASSESSMENT}.parts", "Verdicts"),)),
    "agreement": ("Do the attacks agree?", ((f"{_ASSESSMENT}.parts", "Agreement"),)),
    "reasons": (
        "What goes with the risk",
        ((f"{_ASSESSMENT}.reasons", ""), ("engine.properties", "record_properties")),
    ),
}
_PROOFS: dict[str, tuple[str, tuple[Place, ...]]] = {
    "epsilon": ("Proved ε", ((f"{_TRAINING}.accounting", ""), (f"{_TRAINING}.accounting", "claim"))),
    "delta": ("δ", (("engine.release.gaussian", "delta"),)),
    "clipping": ("Clipping each record's gradient", ((f"{_TRAINING}.clipping", "clip_factors"),)),
    "ceilings": ("Proved ceiling", ((f"{_AUDITS}.ceilings", ""), (f"{_AUDITS}.ceilings", "tightest_ceiling"))),
    "single-ceiling": ("What one (ε, δ) allows", ((f"{_AUDITS}.ceilings", "single_ceiling"),)),
    "measured-ceiling": ("Ceiling from a measured sensitivity", ((f"{_AUDITS}.ceilings", "measured_noise_ceiling"),)),
    "crossing": ("Does an attack cross the ceiling?", ((f"{_AUDITS}.crossing", "crossing"),)),
    "audits": ("ε from below", ((f"{_AUDITS}.audit", "audit"),)),
    "gaussian-mechanism": ("Gaussian mechanism", (("engine.release.gaussian", ""),)),
    "sensitivity": ("Measured sensitivity", (("engine.release.sensitivity", ""),)),
}
_SIZE_AND_TIME: dict[str, tuple[str, tuple[Place, ...]]] = {
    "parameters": ("Number of parameters", (("engine.architectures", "parameter_count"),)),
    "matching": (
        "Families matched by their parameters",
        (("engine.matching", "Match"), ("engine.matching", "match"), ("engine.matching", "match_both")),
    ),
    "cost": ("Estimated time of a training", (("cache.costs", "cost"), ("cache.reports", "Effort"))),
}
_AUDIT_PLACES: dict[str, Place] = {
    "one-run": (f"{_AUDITS}.one_run", "one_run_epsilon"),
    "Clopper–Pearson": (f"{_AUDITS}.rates", "clopper_pearson_epsilon"),
    "Gaussian DP": (f"{_AUDITS}.rates", "gaussian_dp_mu"),
}


@lru_cache(maxsize=1)
def chapters() -> tuple[Chapter, ...]:
    """The whole page, made once from catalogues and docstrings."""
    return (
        Chapter(title="Words", entries=tuple(_term(term, "word") for term in GLOSSARY)),
        Chapter(title="Limits", entries=tuple(_term(term, "limit") for term in LIMITS)),
        Chapter(title="Utility and leakage", entries=_formulas(_UTILITY_AND_LEAKAGE)),
        Chapter(title="Attacks", entries=(*map(_attack, CATALOGUE.values()), *_calibrations())),
        Chapter(title="Intervals, tests and comparisons", entries=_formulas(_INTERVALS)),
        Chapter(title="People", entries=_formulas(_PEOPLE)),
        Chapter(title="ε from above and below", entries=(*_formulas(_PROOFS), *map(_audit, ASSUMPTIONS))),
        Chapter(title="Mechanisms", entries=tuple(_kind(kind, "mechanism") for kind in get_args(Mechanism))),
        Chapter(
            title="Optimizers and DP-SGD",
            entries=tuple(_kind(kind, "optimizer") for kind in (*get_args(Optimizer), DpSgd)),
        ),
        Chapter(
            title="Releases",
            entries=tuple(_kind(kind, "release") for kind in (WeightNoise, *get_args(Outputs))),
        ),
        Chapter(title="Architectures", entries=tuple(map(_architecture, get_args(Architecture)))),
        Chapter(title="Size and time", entries=_formulas(_SIZE_AND_TIME)),
        Chapter(title="Populations", entries=tuple(map(_population, POPULATIONS.values()))),
        Chapter(title="References", entries=tuple(map(_reference, REFERENCES))),
    )


@lru_cache(maxsize=1)
def anchors() -> frozenset[str]:
    """The names of all places on the page that a link can point to."""
    return frozenset(entry.anchor for chapter in chapters() for entry in chapter.entries)


def _entry(place: str, title: str, docs: Iterable[Docstring], *, facts: Iterable[tuple[str, str]] = ()) -> Entry:
    """An entry of one or several docstrings, each summary a paragraph."""
    told = tuple(docs)
    return Entry(
        anchor=place,
        title=title,
        paragraphs=tuple(text for doc in told for text in (_said(doc.summary), *doc.paragraphs)),
        facts=(*facts, *(field for doc in told for field in doc.fields)),
    )


def _said(summary: str) -> str:
    """A summary without the shape that it begins with."""
    rest = re.sub(r"^\((?:\.\.\.|[A-Z])[^)]*\) ", "", summary)
    return rest[0].upper() + rest[1:]


def _term(term: Term, kind: str) -> Entry:
    title = term.word[0].upper() + term.word[1:] if term.word[:1].isascii() else term.word
    return Entry(anchor=anchor(kind, term.word), title=title, paragraphs=(term.meaning,))


def _formulas(table: dict[str, tuple[str, tuple[Place, ...]]]) -> tuple[Entry, ...]:
    meanings = {term.word: term.meaning for term in GLOSSARY}
    made = (_entry(name, title, map(docstring, places)) for name, (title, places) in table.items())
    return tuple(
        replace(entry, paragraphs=(meanings[_IN_WORDS[entry.anchor]], *entry.paragraphs))
        if entry.anchor in _IN_WORDS
        else entry
        for entry in made
    )


def _attack(info: AttackInfo) -> Entry:
    module = "engine.attacks"
    functions = {**listed(module, "ATTACKS"), **listed(module, "_THRESHOLDED")}
    formula = [docstring(place) for place in functions[info.name]]
    facts = (
        ("The attacker must know", "; ".join(KNOWLEDGE[part] for part in info.knows)),
        ("Defined in", info.source),
    )
    told = (Docstring(summary=info.about), *(Docstring(summary=d.summary, paragraphs=d.paragraphs) for d in formula))
    return _entry(anchor("attack", info.name), info.title, told, facts=facts)


def _calibrations() -> tuple[Entry, ...]:
    return tuple(
        Entry(
            anchor=anchor("calibration", name),
            title=f"Attacker calibrated: {name}",
            paragraphs=(f"Thresholds and likelihoods come from {words}.",),
        )
        for name, words in CALIBRATIONS.items()
    )


def _audit(name: BoundName) -> Entry:
    facts = (("Assumption", ASSUMPTIONS[name]),)
    return _entry(anchor("audit", name), f"Audit: {name}", [docstring(_AUDIT_PLACES[name])], facts=facts)


def _kind(kind: type, group: str) -> Entry:
    """A frozen value of the engine: its docstring, under its name on screen."""
    title = getattr(kind, "title", _TITLES.get(kind.__name__, kind.__name__))
    coupling = getattr(kind, "coupling", "")
    facts = (("In recipe files", kind.__name__), *([("Refused together with DP-SGD", coupling)] if coupling else []))
    doc = parsed(kind.__doc__ or "")
    return _entry(anchor(group, kind.__name__), title[0].upper() + title[1:], [doc], facts=facts)


def _architecture(kind: type) -> Entry:
    """A family of architectures with all its fields, those that it shares with others, too."""
    entry = _kind(kind, "architecture")
    told = dict(entry.facts)
    shared = ((field.name, attribute(kind, field.name)) for field in fields(kind) if field.name not in told)
    return replace(entry, facts=(*entry.facts, *shared))


def _population(info: PopulationInfo) -> Entry:
    facts = (
        ("A record is", info.shape),
        ("Records", f"{info.records:,}, of which {info.public:,} are public and the rest may be contested"),
        ("Labels", f"{info.classes}"),
    )
    return Entry(anchor=anchor("population", info.name), title=info.title, paragraphs=(info.about,), facts=facts)


def _reference(reference: Reference) -> Entry:
    text = f"{reference.authors}: {reference.title}. {reference.where}."
    return Entry(anchor=anchor("reference", reference.cites[0]), title=reference.cites[0], paragraphs=(text,))
