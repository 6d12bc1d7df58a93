"""What is done to many modules alike, said once: a loop over the modules of each class in the place of lines."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

MOST_LINES, MOST_BESIDE_BLOCKS = 40, 12
"""Statements that stand one below the other, in a model without and with blocks that are written once; of more, those
that are alike become a loop."""


@dataclass(frozen=True, kw_only=True)
class AboutModule:
    """A statement about a parameter.

    Args:
        source: of it.
        module: path of the module that keeps the parameter; empty for none that is known.
        layer: name of the layer that the module is.
    """

    source: str
    module: str
    layer: str = ""

    def of_any(self, over: str) -> str | None:
        """Return the statement about any module of its class; None where it cannot be said so.

        Args:
            over: the model, as it is called in the source.
        """
        if not self.module or (self.layer and self.layer != self.module.replace(".", "_")):
            return None
        found = re.sub(rf"{re.escape(f'{over}.{self.module}')}(?![\w])", "module", self.source)
        if self.layer:
            found = re.sub(rf'"{self.layer}\.(\w+)"', r'f"{name}.\1"', found)
        return None if re.search(rf"\b{over}\.", found) else found


def written(
    statements: Sequence[AboutModule], classes: Mapping[str, str], helpers: Sequence[str], over: str, most: int
) -> list[str]:
    """Return statements, those that many modules of a class have alike as one loop.

    Args:
        statements: about parameters, in order.
        classes: class of each module that is a layer's, by its path.
        helpers: source of the other classes that there are, which may have modules of their own.
        over: the model, as it is called here.
        most: statements that may stand one below the other.
    """
    plain = [one.source for one in statements]
    if len(plain) <= most:
        return plain
    of_module: dict[str, list[AboutModule]] = {}
    for one in statements:
        of_module.setdefault(one.module, []).append(one)
    alike: dict[str, list[str]] = {}
    for name in dict.fromkeys(classes[module] for module in of_module if module):
        each = [
            [one.of_any(over) for one in of_module.get(module, ())] for module in classes if classes[module] == name
        ]
        elsewhere = any(re.search(rf"\b{re.escape(name)}\b", _body(source, name)) for source in helpers)
        said = [[line for line in one if line is not None] for one in each]
        whole = None if elsewhere or len(each) < 2 or said != each else _together(said)
        if whole is not None:
            alike[name] = whole
    if not alike:
        return plain
    named = any(one.layer for one in statements)
    loop = [f"for name, module in {over}.named_modules():" if named else f"for module in {over}.modules():"]
    loop += ['    name = name.replace(".", "_")'] if named else []
    for number, (name, lines) in enumerate(alike.items()):
        loop.append(f"    {'elif' if number else 'if'} isinstance(module, {name}):")
        loop += [f"        {line}" for line in lines]
    return [*loop, *(one.source for one in statements if classes.get(one.module) not in alike)]


def _together(each: Sequence[Sequence[str]]) -> list[str] | None:
    """Return what is done to every module of a class; None where that differs, but for a bias that some lack."""
    whole = max(each, key=len)
    lacked = [line for line in whole if any(line not in one for one in each)]
    if any([line for line in whole if line in one] != list(one) for one in each):
        return None
    if any("module.bias" not in line for line in lacked):
        return None
    found: list[str] = []
    for line in whole:
        found += ["if module.bias is not None:", f"    {line}"] if line in lacked else [line]
    return found


def _body(source: str, name: str) -> str:
    """Return the source of a class without the line that begins it, if that is its name."""
    lines = source.strip("\n").splitlines()
    return "\n".join(line for line in lines if not line.startswith(f"class {name}("))
