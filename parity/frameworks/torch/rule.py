"""An update rule in PyTorch: its own optimizer, one whose arguments change in every step, or the rule written out."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import replace

from parity.code import Helper, OptimizerCode, Slot, call, documented, lines_at, needs
from parity.formula import Statement, expression, plain_first, value_of
from parity.frameworks.torch import SCALARS, WORDS
from parity.native import Native
from parity.optimizers import Optimizer
from parity.optimizers.per_parameter import DECAY, Kept, by_pattern

RULE = '''
class {name}(torch.optim.Optimizer):
    """{doc}"""

    iterations = 0

    def __init__(self, params, {fields}):
        super().__init__(params, dict({kept}))

    @torch.no_grad()
    def step(self, closure=None):
        """Move each parameter by its gradient."""
        {clips}for group in self.param_groups:
            {before}
            for p in group["params"]:
                state = self.state[p]
                {slots}{body}
        self.iterations += 1
'''

CHANGING = '''
class {name}({own}):
    """{doc}"""
{counting}
    def step(self, closure=None):
        """{says}"""
        {lines}
        return super().step(closure)
'''

MODULE = '''
class {name}(nn.Module):
    """{doc}"""
{fields}
    def forward(self, x):
        {lines}
'''

KEEPING = """
    def __init__(self, {fields}):
        super().__init__()
        {kept}
"""

GROUPS = '''
def parameter_groups(model):
    """Group parameters by what they have of their own: that of the first pattern that their name fits."""
    {tables}
    groups = {{}}
    for name, p in model.named_parameters():
        options = {options}
        groups.setdefault(options, []).append(p)
    return [{{"params": group, **dict(options)}} for options, group in groups.items()]
'''

FITTING = Helper(
    name="said_of",
    source='''
def said_of(name, said, other):
    """Return what the first pattern that a name fits says, else the other number."""
    return next((one for pattern, one in said.items() if fnmatch.fnmatchcase(name, pattern)), other)
''',
    imports=("import fnmatch",),
)

ALL = "model.parameters()"
RATE = "learning_rate(self.iterations)"
CLIP_EPSILON = 1e-6
"""What ``clip_grad_norm_`` adds to a norm."""


def count(optimizer: Optimizer) -> str:
    """Return the number of an update, 1 for the first, of the batches before it."""
    return f"({optimizer.updates_of('self.iterations')} + 1)"


def module(name: str, fields: Sequence[str], doc: str, lines: Sequence[str]) -> Helper:
    """Return a module that is a formula.

    Args:
        name: of its class.
        fields: what it is made with.
        doc: the formula as people write it.
        lines: the formula, in ``x`` and the fields.
    """
    kept = KEEPING.format(fields=", ".join(fields), kept=lines_at(8, [f"self.{field} = {field}" for field in fields]))
    body = [f"{field} = self.{field}" for field in fields] + list(lines)
    source = MODULE.format(name=name, doc=documented(doc), fields=kept if fields else "", lines=lines_at(8, body))
    return Helper(name=name, source=source, imports=needs(source))


def written(optimizer: Optimizer, own: Native | None, kept: Kept) -> OptimizerCode:
    """Return an optimizer: PyTorch's own, as it is or with what changes set in every step; or its rule, written out.

    Args:
        optimizer: what it is.
        own: PyTorch's own part; None where it has none.
        kept: where the program keeps parameters, of an optimizer that treats some otherwise than others.
    """
    made = _written(optimizer, own)
    if not kept:
        return made
    build = made.build.replace(ALL, "parameter_groups(model)")
    return replace(made, build=build, helpers=(*made.helpers, *_groups(optimizer, kept)))


def _written(optimizer: Optimizer, own: Native | None) -> OptimizerCode:
    # What is kept without the rate is another thing once the rate has changed, or is another one of some parameters.
    several = optimizer.changes() or bool(optimizer.learning_rate_factor_of)
    outside = own.without_rate(optimizer.moments()) if own is not None and several else ()
    if own is None or outside or not (own.fits(optimizer) or own.mends(optimizer)):
        return _written_out(optimizer, own, outside)
    anew, clips = {} if own.fits(optimizer) else own.anew, _clips(optimizer)
    name, helpers = own.name, optimizer.rate_helpers("torch")
    if anew or clips or optimizer.changes():
        name = own.title
        lines = [f'group["lr"] = {_changing(optimizer)}'] if optimizer.changes() else []
        lines += [f'group["{argument}"] = {_anew(optimizer, own, argument)}' for argument in anew]
        differs = [own.why[field] for field in own.departures(optimizer)]
        differs += ["at a rate that changes from step to step"] if optimizer.changes() else []
        differs += ["that clips gradients"] if clips else []
        doc = documented(f"{name} {', '.join(differs)}.")
        says = "Set what changes from step to step, and take PyTorch's step." if lines else "Clip, and take the step."
        changed = ["for group in self.param_groups:", *(f"    {line}" for line in lines), "self.iterations += 1"]
        source = CHANGING.format(
            name=name, own=own.name, doc=doc, says=says, counting="\n    iterations = 0\n" if lines else "",
            lines=lines_at(8, [*clips, *(changed if lines else [])]),
        )  # fmt: skip
        helpers = (*helpers, Helper(name=name, source=source, imports=needs(source)))
    return OptimizerCode(
        build=own.source(optimizer, ALL, name_=name, lr=_rate(optimizer)),
        slots=own.kept(optimizer.moments(), optimizer.rate(0)),
        doc=optimizer.doc(),
        helpers=helpers,
    )


def _changing(optimizer: Optimizer) -> str:
    """Return the rate of a group of parameters in a step, where it changes."""
    return f'group["factor"] * {RATE}' if optimizer.learning_rate_factor_of else RATE


def _groups(optimizer: Optimizer, kept: Kept) -> tuple[Helper, ...]:
    """Return what groups a program's parameters, which are not all treated alike."""
    names = {attribute: name for name, attributes in kept.items() for attribute in attributes}
    called = {attribute: attribute for attribute in names}
    tables, options = dict[str, tuple[dict[str, float], float]](), dict[str, tuple[str, str]]()
    if optimizer.learning_rate_factor_of:
        tables["factors"] = by_pattern(called, lambda one: optimizer.factor(names[one]), 1.0)
        options["factors"] = ("factor", "{}") if optimizer.changes() else ("lr", f"{optimizer.learning_rate!r} * {{}}")
    if optimizer.decays:
        tables["decays"] = by_pattern(called, lambda one: optimizer.decay_of(names[one]), getattr(optimizer, DECAY))
        options["decays"] = (DECAY, "{}")
    told = []
    for name, (said, other) in tables.items():
        argument, number = options[name]
        told.append(f'("{argument}", {number.format(f"said_of(name, {name}, {other!r})" if said else repr(other))})')
    lines = [f"{name} = {said!r}" for name, (said, _) in tables.items() if said]
    source = GROUPS.format(tables=lines_at(4, lines), options=f"({', '.join(told)},)")
    return (*([FITTING] if lines else []), Helper(name="parameter_groups", source=source))


def _rate(optimizer: Optimizer) -> str:
    return "learning_rate(0)" if optimizer.changes() else repr(optimizer.learning_rate)


def _anew(optimizer: Optimizer, own: Native, argument: str) -> str:
    """Return what an argument is in a step, read off the group's others."""
    places = {"t": count(optimizer)}
    for name, said in own.arguments.items():
        several = said if isinstance(said, tuple) else ()
        places |= {field: f'group["{name}"][{index}]' for index, field in enumerate(several)}
        if isinstance(said, str):
            places[said] = repr(getattr(optimizer, said)) if name == argument else f'group["{name}"]'
    return expression(value_of(own.anew[argument]), SCALARS, places)


def _written_out(optimizer: Optimizer, own: Native | None, outside: tuple[str, ...]) -> OptimizerCode:
    name, fields, slots = type(optimizer).__name__, optimizer.hyperparameters(), optimizer.moments()
    letters = {slot: optimizer.letters[slot] for slot in slots}
    taken = {"lr": _changing(optimizer) if optimizer.changes() else 'group["lr"]'} | {
        field: f'group["{field}"]' for field in fields
    }
    taken |= {"t": count(optimizer)[1:-1]} if "t" in optimizer.meaning().names else {}
    starts = [f'state["{slot}"] = {_start(optimizer, slot)}' for slot in slots]
    body = [f'{letter} = state["{slot}"]' for slot, letter in letters.items()]
    plain, rest = plain_first(optimizer.meaning(), {"w", "g", *letters.values()})
    body += [_line(one, {"w", *letters.values()}) for one in rest]
    numbers = [f"{one.target} = {expression(one.value, SCALARS)}" for one in plain]
    source = RULE.format(
        name=name,
        doc=documented(_why(optimizer, own, outside)),
        fields=", ".join(["lr", *fields]),
        kept=", ".join(f"{field}={field}" for field in ("lr", *fields)),
        clips=lines_at(8, [*clips, ""]) if (clips := _clips(optimizer)) else "",
        before=lines_at(12, [*(f"{field} = {value}" for field, value in taken.items()), *numbers]),
        slots=lines_at(20, ["if not state:", *starts]) + "\n                " if starts else "",
        body=lines_at(16, body),
    )
    said = {field: repr(getattr(optimizer, field)) for field in fields}
    return OptimizerCode(
        build=call(name, ALL, lr=_rate(optimizer), **said),
        slots={slot: Slot(attribute=slot) for slot in slots},
        doc=optimizer.doc(),
        helpers=(*optimizer.rate_helpers("torch"), Helper(name=name, source=source, imports=needs(source))),
    )


def _clips(optimizer: Optimizer) -> list[str]:
    """Return the statements that clip the gradients, none where they are not."""
    how, epsilon = optimizer.clip(), optimizer.clip_epsilon
    if how is None:
        return []
    name, limit = how
    lines = ['parameters = [p for group in self.param_groups for p in group["params"]]']
    if name == "clipvalue":
        return [*lines, f"nn.utils.clip_grad_value_(parameters, {limit!r})"]
    if epsilon == CLIP_EPSILON and name == "global_clipnorm":
        return [*lines, f"nn.utils.clip_grad_norm_(parameters, {limit!r})"]
    if epsilon == CLIP_EPSILON:
        return [*lines, "for p in parameters:", f"    nn.utils.clip_grad_norm_(p, {limit!r})"]
    added = f" + {epsilon!r}" if epsilon else ""
    norm = f"({{}}{added})" if added else "{}"
    if name == "clipnorm":
        scale = f"({limit!r} / {norm.format('p.grad.norm()')}).clamp(max=1.0)"
        return [*lines, "for p in parameters:", f"    p.grad.mul_({scale})"]
    return [*lines, "norm = torch.stack([p.grad.norm() for p in parameters]).norm()", "for p in parameters:",
            f"    p.grad.mul_(({limit!r} / {norm.format('norm')}).clamp(max=1.0))"]  # fmt: skip


def _why(optimizer: Optimizer, own: Native | None, outside: tuple[str, ...]) -> str:
    """Return what a class that is written out is for."""
    if own is None:
        return f"{optimizer.rule()}."
    differs = [own.why[field] for field in own.departures(optimizer)]
    differs += [f"with the rate inside the {slot}, where {own.name} holds it outside" for slot in outside]
    return f"{own.title} {', '.join(differs)}."


def _start(optimizer: Optimizer, slot: str) -> str:
    start = optimizer.start(slot)
    if slot in optimizer.shared:
        return f"torch.tensor({start!r}, dtype=p.dtype, device=p.device)"
    return f"torch.full_like(p, {start!r})" if start else "torch.zeros_like(p)"


def _line(one: Statement, tensors: set[str], names: Mapping[str, str] = {"w": "p", "g": "p.grad"}) -> str:
    """Return a statement; a tensor is moved in place, and one that shrinks first is shrunk in place, too."""
    value, target = expression(one.value, WORDS, names), names.get(one.target, one.target)
    if one.target not in tensors:
        return f"{target} = {value}"
    if one.sign != "=":
        return f"{target}.{'add_' if one.sign == '+=' else 'sub_'}({value})"
    match one.value:
        case ast.BinOp(ast.BinOp(share, ast.Mult(), ast.Name(name)), ast.Add() | ast.Sub() as sign, rest):
            if name == one.target:
                moved = "add_" if isinstance(sign, ast.Add) else "sub_"
                shrunk, moves = (expression(part, WORDS, names) for part in (share, rest))
                return f"{target}.mul_({shrunk}).{moved}({moves})"
    return f"{target}.copy_({value})"
