"""Questions that the engine answers from a shell: ``python -m engine --help``.

- ``epsilon``: what DP-SGD proves at a noise multiplier;
- ``noise``: the noise multiplier that proves a wanted ε;
- ``match``: two architectures with as many parameters as each other;
- ``sensitivity``: how far one record moves the trained weights, measured by retraining, and the noise for wanted ε;
- ``audit``: ε from below, measured by attacking trained models, and what is proved from above;
- ``compare``: whether a second setting leaks less than a first, pair by pair on the same masks;
- ``attacks``: how much more a second attack finds than a first in the same models;
- ``recommend``: which of several settings leaks least at a wanted accuracy, chosen and reported on different models.

Architectures are written as in a recipe: ``Mlp``, ``Lstm:hidden=32,layers=2``; settings likewise, of several parts:
``"Mlp Dropout:rate=0.5 DpSgd:noise_multiplier=2 LabelOnly"``.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Sequence
from statistics import median
from typing import TYPE_CHECKING, Any

from engine.assessment.values import KEPT_EPOCH
from engine.attacks.catalogue import CATALOGUE
from engine.populations.catalogue import POPULATIONS
from engine.recipe import DpSgd, PopulationChoice, Recipe, Sgd
from engine.release.values import NEIGHBOURS
from engine.validate import InvalidValueError, whole
from engine.written import architecture, setting

if TYPE_CHECKING:
    from engine.audits.values import Ceiling
    from engine.release.values import Release


def main(arguments: Sequence[str] | None = None) -> int:
    """Answer one question; the exit status is 0, or 2 with one sentence when something is out of range."""
    options = _parser().parse_args(arguments)
    try:
        answer = options.answer(options)
    except InvalidValueError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(f"{answer}\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m engine", description="Questions that the engine answers from a shell.", allow_abbrev=False
    )
    questions = parser.add_subparsers(required=True, metavar="QUESTION")
    epsilon = questions.add_parser("epsilon", help="what DP-SGD proves at a noise multiplier")
    epsilon.add_argument("noise", type=float, help="noise multiplier σ")
    noise = questions.add_parser("noise", help="the noise multiplier that proves a wanted ε")
    noise.add_argument("epsilon", type=float, help="wanted ε")
    for question, answer in ((epsilon, _epsilon), (noise, _noise)):
        _add_recipe(question)
        _add_epoch(question)
        question.set_defaults(answer=answer)
    match = questions.add_parser("match", help="two architectures with as many parameters as each other")
    match.add_argument("population", choices=sorted(POPULATIONS))
    match.add_argument("first", help="sets the size, such as Lstm:hidden=64")
    match.add_argument("second", help="follows, such as Mlp")
    match.set_defaults(answer=_match)
    sensitivity = questions.add_parser("sensitivity", help="how far one record moves the weights: measured, no proof")
    _add_recipe(sensitivity)
    sensitivity.add_argument(
        "--setting", default="Mlp", help='how it is trained, such as "Mlp LabelSmoothing:alpha=0.3" (Mlp)'
    )
    _add_epoch(sensitivity)
    sensitivity.add_argument(
        "--neighbours", type=int, default=NEIGHBOURS, help=f"records that are left out in turn ({NEIGHBOURS})"
    )
    sensitivity.add_argument("--epsilon", type=float, nargs="*", default=[1.0, 3.0, 10.0], help="wanted ε (1 3 10)")
    sensitivity.set_defaults(answer=_sensitivity)
    audit = questions.add_parser("audit", help="ε from below, by attacking trained models, and from above, as proved")
    _add_recipe(audit)
    audit.add_argument("--noise", type=float, help="noise multiplier σ of DP-SGD (without DP)")
    audit.add_argument("--weight-noise", type=float, help="σ of noise on all weights after training (without)")
    audit.add_argument(
        "--neighbours",
        type=int,
        default=NEIGHBOURS,
        help=f"records left out in turn to measure Δ for --weight-noise ({NEIGHBOURS})",
    )
    audit.add_argument("--attack", default="lira", choices=sorted(CATALOGUE))
    audit.add_argument("--waves", type=int, default=2, help="waves of eight models to train (2)")
    audit.add_argument("--delta", type=float, default=1e-5, help="δ of the lower bounds (1e-5)")
    audit.set_defaults(answer=_audit)
    _add_comparisons(questions)
    return parser


def _add_comparisons(questions: Any) -> None:
    compare = questions.add_parser("compare", help="whether a second setting leaks less than a first, pair by pair")
    compare.add_argument("first", help='such as Mlp, or "Mlp DpSgd:noise_multiplier=2"')
    compare.add_argument("second", help='such as "Mlp Dropout:rate=0.5 LabelOnly"')
    compare.add_argument("--attack", default="lira", choices=sorted(CATALOGUE))
    compare.set_defaults(answer=_compare)
    attacks = questions.add_parser("attacks", help="how much more a second attack finds than a first")
    attacks.add_argument("first", choices=sorted(CATALOGUE), metavar="FIRST", help="such as lira")
    attacks.add_argument("second", choices=sorted(CATALOGUE), metavar="SECOND", help="such as distance_l2")
    attacks.add_argument("--setting", default="Mlp", help='such as "Mlp DpSgd:noise_multiplier=2" (Mlp)')
    attacks.set_defaults(answer=_attacks)
    recommend = questions.add_parser("recommend", help="which of several settings leaks least at a wanted accuracy")
    recommend.add_argument("settings", nargs="+", metavar="SETTING", help='such as Mlp "Mlp Dropout:rate=0.5"')
    recommend.add_argument("--least-accuracy", type=float, default=0.0, help="test accuracy that is needed (0)")
    recommend.add_argument("--attack", default="lira", choices=sorted(CATALOGUE))
    recommend.set_defaults(answer=_recommend)
    for question in (compare, attacks, recommend):
        _add_recipe(question)
        question.add_argument("--waves", type=int, default=2, help="waves of eight models to train each (2)")


def _add_recipe(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--population", default="mnist5k", choices=sorted(POPULATIONS))
    parser.add_argument("--contested", type=int, default=600, help="contested records N (600)")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--batch", type=int, default=64)


def _add_epoch(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--epoch", type=int, help="the epoch whose weights are kept (the last)")


def _recipe(options: argparse.Namespace, **parts: Any) -> Recipe:
    population = PopulationChoice(name=options.population, contested=options.contested)
    return dataclasses.replace(Recipe(population=population, epochs=options.epochs, batch=options.batch), **parts)


def _epsilon(options: argparse.Namespace) -> str:
    from engine.training.accounting import claim

    found = claim(_recipe(options, privacy=DpSgd(noise_multiplier=options.noise), optimizer=Sgd()), options.epoch)
    if found is None or found.epsilon is None:
        return "No ε is finite without noise."
    return (
        f"ε = {found.epsilon:.4g} at δ = {found.delta:g} by {found.accountant}, for one run; {found.relation}."
        f"{_about_the_epoch(options)}"
    )


def _noise(options: argparse.Namespace) -> str:
    from engine.release.gaussian import delta
    from engine.training.accounting import RELATION, noise_for, steps_until

    recipe = _recipe(options, privacy=DpSgd(), optimizer=Sgd())
    promised = delta(options.contested)
    found = noise_for(options.epsilon, recipe.sampling_rate, steps_until(recipe, options.epoch), promised)
    return (
        f"σ = {found.noise_multiplier:.4g} proves ε = {found.spent.epsilon:.4g} at δ = {promised:g} "
        f"by {found.spent.accountant}, for one run; {RELATION}.{_about_the_epoch(options)}"
    )


def _about_the_epoch(options: argparse.Namespace) -> str:
    """What an ε at an epoch that was asked for does not cover, to follow it; nothing where none was."""
    return "" if options.epoch is None else f" {KEPT_EPOCH}"


def _match(options: argparse.Namespace) -> str:
    from engine.matching import match_both

    first, second = (architecture(text) for text in (options.first, options.second))
    found = match_both(first, second, POPULATIONS[options.population])
    moved = f" No size of the second is within 2 % of {first}, so both sizes moved."
    return (
        f"{found.first} has {found.first_parameters:,} parameters, {found.second} has {found.second_parameters:,} "
        f"({found.gap:+.1%}, {'within' if found.close else 'not within'} 2 %).{moved * (found.first != first)}"
    )


def _sensitivity(options: argparse.Namespace) -> str:
    from engine.release.gaussian import delta
    from engine.release.sensitivity import measured_sensitivity, noise_for_measured
    from engine.release.values import Release

    recipe, release = setting(options.setting, _recipe(options))
    if release != Release():
        raise InvalidValueError(
            f"setting must be of training alone, without what is released, got {options.setting!r}"
        )
    found = measured_sensitivity(recipe, neighbours=options.neighbours, epoch=options.epoch)
    promised = delta(options.contested)
    first = (
        f"Δ = {found.largest:.4g}: the largest joint L2 change of the weights over {len(found.changes)} of "
        f"{found.members} records left out in turn; median {median(found.changes):.4g} ({found.label})."
    )
    lines = [first]
    for epsilon in options.epsilon:
        noise = noise_for_measured(found, epsilon=epsilon, delta=promised)
        lines.append(f"σ = {noise.sigma:.4g} on all weights for ε = {epsilon:g}, δ = {promised:g} ({found.label}).")
    return "\n".join(lines)


def _audit(options: argparse.Namespace) -> str:
    import numpy as np

    from engine.attacks import ATTACKS
    from engine.audits.audit import audit
    from engine.audits.cohort import audited_cohort
    from engine.audits.crossing import crossing
    from engine.pipeline import release_signals, train_wave
    from engine.release.values import Release, WeightNoise

    private = {} if options.noise is None else {"privacy": DpSgd(noise_multiplier=options.noise), "optimizer": Sgd()}
    recipe = _recipe(options, **private)
    release = Release(weight_noise=WeightNoise(sigma=options.weight_noise) if options.weight_noise else None)
    ceilings = _ceilings(recipe, release, options.neighbours)
    waves = [train_wave(recipe, wave) for wave in range(whole("waves", options.waves, at_least=1))]
    info, masks = CATALOGUE[options.attack], np.concatenate([wave.masks for wave in waves])
    signals = release_signals(recipe, release, waves, knows=info.knows)[0]
    cohort = audited_cohort(ATTACKS[options.attack], signals, masks, costly=info.costly)
    lines = [
        f"ε ≥ {bound.epsilon:.3g} at δ = {bound.delta:g} by {bound.name} ({bound.assumption}): median of "
        f"{bound.targets} targets, {1 - bound.level:.0%} certain, {bound.guesses.correct} of {bound.guesses.made} "
        f"guesses right."
        for bound in audit(cohort, delta=options.delta)
    ]
    if not any(ceiling.proved for ceiling in ceilings):
        lines.append("Nothing is proved from above.")
    for ceiling in ceilings:
        lines.append(f"AUC ≤ {ceiling.auc:.4f} and TPR − FPR ≤ {ceiling.advantage:.4f}: {ceiling.sentence}.")
        lines.append(crossing(cohort, ceiling).sentence)
    return "\n".join(lines)


def _ceilings(recipe: Recipe, release: Release, neighbours: int) -> list[Ceiling]:
    """What is proved, and what noise on weights would allow if the measured Δ were the true one."""
    from engine.audits.ceilings import tightest_ceiling, weight_noise_ceiling
    from engine.release.knowledge import why_not_measured
    from engine.release.sensitivity import measured_sensitivity
    from engine.training.profile import profile

    proved = profile(recipe)
    ceilings = [] if proved is None else [tightest_ceiling(proved)]
    if release.weight_noise is None or why_not_measured(recipe) is not None:
        return ceilings
    measured = weight_noise_ceiling(measured_sensitivity(recipe, neighbours=neighbours).largest, release)
    return ceilings if measured is None else [*ceilings, measured]


def _compare(options: argparse.Namespace) -> str:
    from engine.comparing import compared

    plain = _recipe(options)
    first, second = (setting(text, plain) for text in (options.first, options.second))
    return compared(first, second, options.attack, waves=options.waves)


def _attacks(options: argparse.Namespace) -> str:
    from engine.comparing import compared_attacks

    return compared_attacks(
        setting(options.setting, _recipe(options)), options.first, options.second, waves=options.waves
    )


def _recommend(options: argparse.Namespace) -> str:
    from engine.comparing import recommendation

    plain = _recipe(options)
    settings = {text: setting(text, plain) for text in options.settings}
    return recommendation(settings, options.attack, least_accuracy=options.least_accuracy, waves=options.waves)


if __name__ == "__main__":
    sys.exit(main())
