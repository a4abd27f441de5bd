"""Settings and numbers as a shell reads and shows them: ``Lstm:hidden=32``, ``Mlp Dropout:rate=0.5 LabelOnly``."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any, get_args

from engine.architectures import Architecture
from engine.assessment.values import Interval
from engine.canonical import build
from engine.mechanisms import Mechanism
from engine.recipe import DpSgd, Optimizer, Recipe, Sgd
from engine.release.values import Outputs, Release, WeightNoise
from engine.validate import InvalidValueError, choice


def _by_name(*kinds: Any) -> dict[str, type]:
    return {kind.__name__: kind for kind in kinds}


_ARCHITECTURES = _by_name(*get_args(Architecture))
_SLOTS: Mapping[str, Mapping[str, type]] = {
    "architecture": _ARCHITECTURES,
    "optimizer": _by_name(*get_args(Optimizer)),
    "privacy": _by_name(DpSgd),
    "weight_noise": _by_name(WeightNoise),
    "outputs": _by_name(*get_args(Outputs)),
}
"""What a setting has one of, by field of the recipe or the release."""
_KINDS = {
    **_by_name(*get_args(Mechanism)),
    **{name: kind for kinds in _SLOTS.values() for name, kind in kinds.items()},
}


def architecture(text: str) -> Architecture:
    """An architecture written as ``Kind:field=value,…``; what is left out is at its default.

    Raises:
        InvalidValueError: for an unknown kind or field, or a value out of range.
    """
    return _part("architecture", text, _ARCHITECTURES)


def setting(text: str, plain: Recipe) -> tuple[Recipe, Release]:
    """A setting written as parts with spaces between: an architecture, mechanisms, and so on, in any order.

    What no part names is as in ``plain``, and nothing is done to what is released; ``DpSgd`` comes with ``Sgd``
    unless an optimizer is named.

    Args:
        text: such as ``Mlp Dropout:rate=0.5 DpSgd:noise_multiplier=2 LabelOnly``; may be empty.
        plain: the recipe that the parts change.

    Raises:
        InvalidValueError: for an unknown or repeated part, an unknown field, or what recipes and releases refuse.
    """
    chosen: dict[str, Any] = {}
    mechanisms = list(plain.mechanisms)
    for written in text.split():
        part = _part("part of a setting", written, _KINDS)
        slot = next((slot for slot, kinds in _SLOTS.items() if type(part).__name__ in kinds), None)
        if slot is None:
            mechanisms.append(part)
        elif slot in chosen:
            raise InvalidValueError(f"{slot.replace('_', ' ')} must be given once in a setting, got {written!r} too")
        else:
            chosen[slot] = part
    if "privacy" in chosen:
        chosen.setdefault("optimizer", Sgd())
    published = {slot: chosen.pop(slot) for slot in ("weight_noise", "outputs") if slot in chosen}
    return dataclasses.replace(plain, **chosen, mechanisms=tuple(mechanisms)), Release(**published)


def spelled(recipe: Recipe) -> str:
    """How a recipe is trained as ``setting`` reads it, so that it comes back whole.

    Its population, epochs, batch and seed are those of the plain recipe there. The optimizer is always named; of the
    other parts only what is in use, each with the fields that are not at their default.
    """
    parts = (recipe.architecture, *recipe.mechanisms, recipe.optimizer, recipe.privacy)
    return " ".join(_spelled(part) for part in parts if part is not None)


def _spelled(part: Any) -> str:
    """A part as ``Kind:field=value,…``."""
    known = dataclasses.fields(part)
    changed = {field.name: getattr(part, field.name) for field in known if getattr(part, field.name) != field.default}
    given = (f"{name}={value if isinstance(value, str) else json.dumps(value)}" for name, value in changed.items())
    return ":".join(filter(None, (type(part).__name__, ",".join(given))))


def estimated(number: Interval) -> str:
    """A number with its interval."""
    return f"{number.estimate:.3f} ({number.low:.3f} to {number.high:.3f})"


def signed(difference: Interval) -> str:
    """A difference with its interval."""
    return f"{difference.estimate:+z.3f} ({difference.low:+z.3f} to {difference.high:+z.3f})"


def _part(what: str, text: str, kinds: Mapping[str, type]) -> Any:
    """A value written as ``Kind:field=value,…``."""
    name, _, rest = text.partition(":")
    kind = kinds[choice(what, name, kinds)]
    given: dict[str, Any] = {}
    for part in filter(None, rest.split(",")):
        field, _, value = part.partition("=")
        given[field] = _value(value)
    known = [field.name for field in dataclasses.fields(kind)]
    for field in given:
        choice(f"field of {name}", field, known)
    return build({**given, "kind": name}, kinds, defaults=True)


def _value(text: str) -> Any:
    """A JSON value, or the text itself."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
