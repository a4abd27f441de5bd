"""Sweep files: TOML in, a sweep out.

The names are those of the dials, dotted or as tables; a list in place of a value is what the sweep turns. This one
asks for 24 settings, of which 8 are refused, for mixup cannot be with DP-SGD::

    waves = 1
    attack = "lira"
    epochs = 30

    population.name = "digits"
    population.contested = 400
    population.seed = [0, 1]  # replicates: other records are contested

    architecture.kind = "Mlp"
    architecture.width = 64

    optimizer.kind = "Sgd"
    batch = 50

    [mechanisms]
    Mixup.alpha = ["off", 1.0]
    Dropout.rate = ["off", 0.5]

    [privacy]
    noise_multiplier = ["off", 0, 1.0]

``"off"`` takes out what can be out: a mechanism, privacy, a clip, the noise on weights. With a table ``sample`` the
sweep is that many points of a Sobol sample instead of the whole grid, and a number may be drawn from a range::

    sample.points = 16
    sample.seed = 0
    release.weight_noise.sigma = { from = 0.005, to = 0.2, scale = "log" }
    mechanisms.Dropout.rate = { from = 0, to = 0.9 }

With ``in_step = true`` the lists go together: all of them have one length, and each place in them is a setting. That
is for settings which are not all combinations of something::

    in_step = true
    epochs = [10, 20, 50]
    mechanisms.Dropout.rate = ["off", 0.2, 0.5]
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from cache.sweeps.dials import dials
from cache.sweeps.values import Axis, Range, Sample, Sweep
from engine.validate import InvalidValueError

MOST_BYTES = 1_000_000
"""Of a file that may be anybody's."""

MOST_OWN_BYTES = 20_000_000
"""Of a file of who runs the command: as many as the longest lists that go in step take."""

_RANGE = {"from", "to", "scale"}


def sweep_from_toml(content: bytes, *, at_most: int = MOST_BYTES) -> Sweep:
    """The sweep that a file describes; its bytes may come from anybody.

    Args:
        content: of the file.
        at_most: so many bytes of it are read.

    Raises:
        InvalidValueError: when it describes none, with one sentence that names the dial, the rule and the value.
    """
    if len(content) > at_most:
        raise InvalidValueError(f"a sweep file must be at most {at_most:,} bytes, got {len(content):,}")
    try:
        data = tomllib.loads(content.decode())
    except UnicodeDecodeError as error:
        raise InvalidValueError(
            f"a sweep file must be text in UTF-8: {error.reason} at byte {error.start}"
        ) from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InvalidValueError(f"a sweep file must be valid TOML: {error}") from error
    waves = {"waves": data.pop("waves")} if "waves" in data else {}
    sample = _sample(data.pop("sample")) if "sample" in data else None
    in_step = data.pop("in_step", False)
    return Sweep(axes=tuple(_axes(data, "")), sample=sample, in_step=in_step, **waves)


def _axes(table: Mapping[str, Any], prefix: str) -> Iterator[Axis]:
    """The dials of a table and of the tables in it."""
    if prefix and not table:
        raise InvalidValueError(f"{prefix[:-1]} must have at least one dial, got an empty table")
    for key, value in table.items():
        name = prefix + key
        if isinstance(value, dict) and any(dial.startswith(f"{name}.") for dial in dials()):
            yield from _axes(value, f"{name}.")
        else:
            yield Axis(dial=name, values=_values(name, value))


def _values(name: str, value: Any) -> tuple[Any, ...] | Range:
    if isinstance(value, list):
        return tuple(value)
    if isinstance(value, dict) and name in dials():
        if not {"from", "to"} <= set(value) <= _RANGE:
            raise InvalidValueError(f"{name} must be a range with from, to and perhaps scale, got {value!r:.60}")
        return Range(low=value["from"], high=value["to"], scale=value.get("scale", "linear"))
    return (value,)


def _sample(table: Any) -> Sample:
    known = {"points", "seed"}
    if not isinstance(table, dict) or "points" not in table or not set(table) <= known:
        raise InvalidValueError(f"sample must be a table with points and perhaps a seed, got {table!r:.60}")
    return Sample(**table)
