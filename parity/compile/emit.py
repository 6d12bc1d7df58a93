"""From a resolved side to source: the part that all frameworks share."""

from __future__ import annotations

import re
import textwrap
from dataclasses import replace
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from parity.compile.program import Bindings, Program
from parity.compile.settings import context as numerics_context
from parity.compile.settings import settings
from parity.data.written import TargetLines, WeightLines, preprocess_source
from parity.entries import as_installed
from parity.frameworks import frameworks, part_of, title_of
from parity.ops.alpha_dropout import AlphaDropout
from parity.spec.resolve import Resolved

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jinja2 import Environment

    from parity.data.dataset import Aim

LINE_LENGTH = 100
"""Of the programs; a little shorter than parity's own, since they are shown side by side."""

PIECES = re.compile(r"\n\n\n+(?=\S)")
"""Stands between functions and classes, as the templates lay them out and black keeps them."""


def compile_side(
    side: Resolved, *, name: str, question: str = "", classes: int | None = None, flat: bool = False,
    aims: Sequence[Aim] = (), weights: tuple[int, ...] | None = None, formatted: bool = True,
    file_name: str | None = None,
) -> Program:  # fmt: skip
    """Return the program of a side.

    Args:
        side: the resolved side.
        name: of the spec.
        question: shown at the top of the program.
        classes: number of classes when the targets are labels that become one-hot rows, else None.
        flat: the stored targets are one number a row, (rows,).
        aims: the stored targets of each output, where there are several.
        weights: shape of a row of the sample weights as they are stored; that in which the loss meets them if not said.
        formatted: as a person would want to read it; formatting takes ten times as long as all the rest.
        file_name: of the file that it will stand in, by which it says how to call it; one of its names if not said.
    """
    with as_installed(side.own):
        context, bindings = part_of(side.framework, "emit").emit(side)
    form, kinds = side.forms.get(""), {value.name: value.dtype for value in side.graph.inputs}
    bindings = replace(
        bindings, targets=form, settings=settings(side.framework, side.config.numerics), inputs=side.graph.packed,
        noise=any(layer.op.noise for layer in side.drawing()), starts=side.config.optimizer.numbers(),
        batches=side.config.optimizer.gradient_accumulation_steps,
        sample_weights=side.last.output_shape if side.weighs else None,
    )  # fmt: skip
    file_name, training = file_name or f"{name}_{side.name}.py", side.config.training
    recorded = not side.draws_itself
    lines = preprocess_source(
        side.config.data, classes, form=form, flat=flat, kinds=kinds, aims=_target_lines(side.forms, aims),
        weights=_weight_lines(side, weights),
    )  # fmt: skip
    context |= {
        "title": f"{name}: {side.name}, in {title_of(side.framework)}.",
        "question": _in_docstring(textwrap.fill(question, LINE_LENGTH)),
        "file_name": file_name,
        "framework": side.framework,
        "training": training,
        "preprocessing": lines,
        "row_weights": side.config.data.sample_weights or "",
        "arrays": side.config.data.arrays,
        "goals": dict(zip(side.views, side.config.data.goals, strict=True)) if side.outputs else {},
        "kinds": list(kinds.values()),
        "by_rows": any(layer.op.by_rows for layer in side.graph.layers),
        "numbers": "index" in side.forms.values(),
        "validation": bool(side.config.data.validation_split),
        "settings": bindings.settings,
        "native": not recorded,
        "draws": recorded and bool(bindings.mask_axes),
        "keeps": any(not layer.op.noise for layer in side.drawing()),
        "noise": bindings.noise,
        "alpha": any(isinstance(layer.op, AlphaDropout) for layer in side.drawing()),
        "spatial": any(draw.shape != one.input_shape for one in side.drawing() for draw in one.drawn),
        "mask_axes": bindings.mask_axes if recorded and any(bindings.mask_axes) else (),
        "masks": bindings.masks if recorded and bindings.masks != tuple(range(len(bindings.masks))) else (),
        "input": side.config.model.row,
        "inputs": [(value.name, value.shape, value.dtype) for value in side.graph.inputs],
        "reads": " and ".join(f"(N, {', '.join(map(str, value.shape))})" for value in side.graph.inputs),
        "gives": _gives(side),
        "behind": _behind(bindings),
        "endings": {head.name: head.ending for head in bindings.heads if head.ending},
        "heads": [one["name"] for one in side.outputs],
        "ending": bindings.ending,
    }
    context |= numerics_context(side.framework, side.config.numerics, context["optimizer"].build)
    templates = [f"{name}/program.py.jinja" for name in frameworks()[side.framework].line]
    source = _environment().select_template(templates).render(context)
    source = tidy(source) if formatted else source
    return Program(framework=side.framework, source=source, bindings=bindings, file_name=file_name)


def _gives(side: Resolved) -> str:
    """Return the shape of the outputs in words."""
    shapes = {name: f"(N, {', '.join(map(str, one.last.output_shape))})" for name, one in side.views.items()}
    return " and ".join(f"{name} {shape}".strip() for name, shape in shapes.items())


def _behind(bindings: Bindings) -> str:
    """Return what is said of outputs that are logits; nothing where none are."""
    if not bindings.heads:
        return f": logits, the loss applies the {bindings.ending}" if bindings.ending else ""
    told = [f"of {head.name} logits, the loss applies the {head.ending}" for head in bindings.heads if head.ending]
    return f": {'; '.join(told)}" if told else ""


def _target_lines(forms: Mapping[str, str | None], aims: Sequence[Aim]) -> dict[str, TargetLines]:
    """Return what is done to the stored targets of each output, where there are several."""
    if "" in forms:
        return {}
    found: dict[str, TargetLines] = {}
    for number, (name, form) in enumerate(forms.items()):
        one = aims[number] if aims else None
        flat = one is not None and one.flat and one.classes is None
        found[name] = (one.classes if one else None, "column" if form is None and flat else form, flat)
    return found


def _weight_lines(side: Resolved, stored: tuple[int, ...] | None) -> WeightLines | None:
    """Return what is done to stored sample weights, where the rows of the data have such."""
    if not side.weighs:
        return None
    steps = side.last.output_shape[:-1]
    return steps if stored is None else stored, steps


def _in_docstring(text: str) -> str:
    """Return text as it is written inside triple quotes, so that it is read back as it was."""
    return text.replace("\\", "\\\\").replace('"""', r"\"\"\"")


def _filled(text: str, indent: int = 4) -> str:
    """Return text for a docstring, on more than one line where one would be too long."""
    pad = " " * indent
    return textwrap.fill(text, LINE_LENGTH - 6, initial_indent=pad, subsequent_indent=pad).strip()


@cache
def _environment() -> Environment:
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=ChoiceLoader([PackageLoader("parity.frameworks", ""), PackageLoader("parity.compile", "")]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters["fill_doc"] = _filled
    environment.filters["indent_code"] = lambda text, width=4: textwrap.indent(text, " " * width)
    return environment


def tidy(source: str) -> str:
    """Return the source formatted as black would.

    It does so piece by piece: one that several programs of a framework share is formatted once.
    """
    from black.parsing import InvalidInput

    try:
        return "\n\n\n".join(_tidied(piece) for piece in PIECES.split(source)) + "\n"
    except InvalidInput:  # Two empty lines in a text are no end of a piece.
        return _black(source)


@lru_cache(maxsize=1024)
def _tidied(piece: str) -> str:
    return _black(piece).rstrip("\n")


def _black(source: str) -> str:
    import black
    from black.mode import TargetVersion

    # Of a version that is not said, black goes by what it meets in a text: in a piece it meets less than in the whole.
    return black.format_str(source, mode=black.Mode({TargetVersion.PY310}, line_length=LINE_LENGTH))
