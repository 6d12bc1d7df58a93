"""From a resolved side to source: the part that all frameworks share."""

from __future__ import annotations

import textwrap
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from parity.compile.program import Program
from parity.compile.settings import context as numerics_context
from parity.compile.settings import settings
from parity.data.loading import preprocess_source
from parity.frameworks import frameworks, part_of, title_of
from parity.spec.resolve import Resolved

if TYPE_CHECKING:
    from jinja2 import Environment

LINE_LENGTH = 100
"""Of the programs; a little shorter than parity's own, since they are shown side by side."""


def compile_side(
    side: Resolved, *, name: str, question: str = "", classes: int | None = None, flat: bool = False,
    formatted: bool = True,
) -> Program:  # fmt: skip
    """Return the program of a side.

    Args:
        side: the resolved side.
        name: of the spec.
        question: shown at the top of the program.
        classes: number of classes when the targets are labels that become one-hot rows, else None.
        flat: the stored targets are one number a row, (rows,).
        formatted: as a person would want to read it; formatting takes ten times as long as all the rest.
    """
    context, bindings = part_of(side.framework, "emit").emit(side)
    form = side.config.loss.form(side.config.data.targets)
    kinds = {value.name: value.dtype for value in side.graph.inputs}
    bindings = replace(
        bindings, targets=form, settings=settings(side.framework, side.config.numerics), inputs=side.graph.packed
    )  # fmt: skip
    file_name = f"{name}_{side.name}.py"
    training = side.config.training
    recorded = not side.draws_itself
    context |= {
        "title": f"{name}: {side.name}, in {title_of(side.framework)}.",
        "question": _in_docstring(textwrap.fill(question, LINE_LENGTH)),
        "file_name": file_name,
        "training": training,
        "preprocessing": preprocess_source(side.config.data, classes, form=form, flat=flat, kinds=kinds),
        "arrays": side.config.data.arrays,
        "kinds": list(kinds.values()),
        "by_rows": any(layer.op.by_rows for layer in side.graph.layers),
        "numbers": form == "index",
        "validation": bool(side.config.data.validation_split),
        "settings": bindings.settings,
        "native": not recorded,
        "draws": recorded and bool(bindings.mask_axes),
        "spatial": any(draw.shape != one.input_shape for one in side.drawing() for draw in one.drawn),
        "mask_axes": bindings.mask_axes if recorded and any(bindings.mask_axes) else (),
        "masks": bindings.masks if recorded and bindings.masks != tuple(range(len(bindings.masks))) else (),
        "input": side.config.model.row,
        "inputs": [(value.name, value.shape, value.dtype) for value in side.graph.inputs],
        "reads": " and ".join(f"(N, {', '.join(map(str, value.shape))})" for value in side.graph.inputs),
        "output": side.last.output_shape,
        "ending": bindings.ending,
    }
    context |= numerics_context(side.framework, side.config.numerics, context["optimizer"].build)
    templates = [f"{name}/program.py.jinja" for name in frameworks()[side.framework].line]
    source = _environment().select_template(templates).render(context)
    source = tidy(source) if formatted else source
    return Program(framework=side.framework, source=source, bindings=bindings, file_name=file_name)


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
    """Return the source formatted as black would."""
    import black

    return black.format_str(source, mode=black.Mode(line_length=LINE_LENGTH))
