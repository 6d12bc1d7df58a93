"""Loss and optimizer that a person gives beside a program which has none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from parity.catalog import LOSSES, OPTIMIZERS
from parity.entries import Entry
from parity.errors import ParityError, UsageError, did_you_mean, listed
from parity.reading.entries_of import checked
from parity.reading.unread import NoEntryError
from parity.spec.plain import brief
from parity.spec.yaml import parse_yaml

KNOWN: Mapping[str, Mapping[str, type[Entry]]] = {"loss": LOSSES, "optimizer": OPTIMIZERS}

EXAMPLES = {"loss": "mse, or {huber: {delta: 0.5}}", "optimizer": "adam, or {sgd: {learning_rate: 0.1}}"}


def read_said(texts: Mapping[str, str | None]) -> dict[str, Any]:
    """Return what options of a command line give.

    Args:
        texts: by ``loss`` and ``optimizer``, YAML; None where nothing is given.

    Raises:
        UsageError: when one is no YAML.
    """
    found = {}
    for part, text in texts.items():
        if text is None:
            continue
        try:
            found[part], _ = parse_yaml(text, None)
        except ParityError as error:
            raise UsageError(f"--{part} {text!r} is no YAML ({error}); expected such as {EXAMPLES[part]}") from None
    return found


def said_parts(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is given beside a program, as a spec says it.

    Args:
        said: ``loss`` and ``optimizer``: a name, or ``{name: fields}``.

    Raises:
        UsageError: when an entry is not known, or cannot have such fields.
    """
    return {part: _entry(part, value) for part, value in said.items()}


def _entry(part: str, value: Any) -> Any:
    known = KNOWN[part]
    kind, fields = next(iter(value.items())) if isinstance(value, Mapping) and len(value) == 1 else (value, {})
    example = EXAMPLES[part]
    if not isinstance(kind, str):
        raise UsageError(f"--{part} {value!r}: expected one as a spec says it, such as {example}")
    if kind not in known:
        raise UsageError(f"--{part}: no {part} is called {kind!r}; {did_you_mean(kind, [*known]) or listed(known)}")
    if not isinstance(fields, Mapping):
        raise UsageError(f"--{part} {kind}: expected fields, such as {example}, and it is given {fields!r}")
    try:
        return brief(checked(known[kind], fields))
    except NoEntryError as error:
        raise UsageError(f"--{part} {kind}: expected fields that it can have; this needs {error}") from None
