"""An update rule in Keras: its own optimizer, one whose arguments change in every step, or the rule written out."""

from __future__ import annotations

from collections.abc import Sequence

from parity.code import Helper, OptimizerCode, Slot, documented, lines_at
from parity.formula import Statement, expression, plain_first, value_of
from parity.frameworks.keras import WORDS
from parity.frameworks.keras.apart import apart
from parity.native import Native
from parity.optimizers import Optimizer
from parity.optimizers.around import around
from parity.optimizers.clipping import CLIPS, clipping
from parity.optimizers.per_parameter import DECAY, Kept

CLASS = '''
class {name}({base}):
    """{doc}"""
'''

KEEPING = """
    def __init__(self, *args, {fields}, **kwargs):
        super().__init__(*args, {handed}**kwargs)
        {kept}
"""

BUILDING = '''
    def build(self, variables):
        """Make what is kept of each variable."""
        super().build(variables)
        {slots}
'''

SHARED = '''
    def _backend_update_step(self, gradients, variables, learning_rate):
        """Move what the variables share, and then the variables."""
        {numbers}
        {past}._backend_update_step(gradients, variables, learning_rate)
'''

CLIP = '''
    def _clip_gradients(self, gradients):
        """{says}"""
        {lines}
'''

STEP = '''
    def update_step(self, gradient, variable, learning_rate):
        """{says}"""
        {body}
'''

OPTIMIZER = "keras.optimizers.Optimizer"
COUNT = "keras.ops.cast(self.iterations + 1, {dtype})"
ASSIGNED = {"=": "assign", "+=": "assign_add", "-=": "assign_sub"}


def written(optimizer: Optimizer, own: Native | None, kept: Kept) -> OptimizerCode:
    """Return an optimizer: Keras's own, as it is or with what changes set in every step; or its rule, written out.

    Args:
        optimizer: what it is.
        own: Keras's own part; None where it has none.
        kept: where the program keeps parameters, of an optimizer that treats some otherwise than others.
    """
    made = _written(optimizer, own)
    return apart(made, optimizer, own, kept) if kept else made


def _written(optimizer: Optimizer, own: Native | None) -> OptimizerCode:
    more: dict[str, str | None] = {}
    name, helpers = own.name if own else "", optimizer.rate_helpers("keras")
    schedule = optimizer.schedule()
    rate = repr(optimizer.learning_rate) if schedule is None else schedule.made("keras")
    helpers = schedule.helpers("keras") if schedule else ()
    slots = own.kept(optimizer.moments(), optimizer.rate(0)) if own else {}
    clip = _clip(optimizer)
    if own is not None and own.fits(optimizer) and clip:
        name = type(optimizer).__name__
        what = "clips gradients as PyTorch does" if _as_elsewhere(optimizer) else "adds the gradients of batches up"
        source = CLASS.format(name=name, base=own.name, doc=f"{name} that {what}.") + clip
        helpers = (*helpers, Helper(name=name, source=source))
    if own is None or not own.fits(optimizer):
        name = type(optimizer).__name__
        rest = _kept_beside(optimizer, own)
        source = (
            _anew(optimizer, own, name) if own and own.mends(optimizer) else _written_out(optimizer, own, name, rest)
        )
        helpers = (*helpers, Helper(name=name, source=source + clip))
        more = {field: repr(getattr(optimizer, field)) for field in rest}
        slots = slots or {slot: Slot(attribute=_place(optimizer, slot)) for slot in optimizer.moments()}
    if _as_elsewhere(optimizer):
        more |= dict.fromkeys(CLIPS)
    part = own or around(clipping(Native(OPTIMIZER)))
    build = part.source(optimizer, name_=name, learning_rate=rate, **more)
    return OptimizerCode(build=build, slots=slots, doc=optimizer.doc(), helpers=helpers, comment=part.comment)


def _clip(optimizer: Optimizer) -> str:
    """Return the method that clips as Keras does not, or undoes a mean; an empty string where Keras means the same."""
    count, epsilon = optimizer.gradient_accumulation_steps, optimizer.clip_epsilon
    summed = [f"gradients = [g * {float(count)!r} for g in gradients]  # a sum, of Keras's mean"]
    summed = summed if optimizer.gathers and optimizer.accumulation == "sum" else []
    how = optimizer.clip()
    if how is None or not _as_elsewhere(optimizer):
        says = f"Take the sum of the gradients of {count} batches."
        body = lines_at(8, [*summed, "return super()._clip_gradients(gradients)"])
        return CLIP.format(says=says, lines=body) if summed else ""
    name, limit = how
    square = "keras.ops.sum(keras.ops.square(g))"
    norm = f"keras.ops.sqrt({square})" if name == "clipnorm" else "norm"
    lines = summed if name == "clipnorm" else [*summed, f"norm = keras.ops.sqrt(sum({square} for g in gradients))"]
    lines.append(f"return [g * keras.ops.minimum({limit!r} / ({norm} + {epsilon!r}), 1.0) for g in gradients]")
    return CLIP.format(says=f"Clip norms as PyTorch does, {epsilon!r} added to them.", lines=lines_at(8, lines))


def _as_elsewhere(optimizer: Optimizer) -> bool:
    """Return whether gradients are clipped as Keras does not."""
    how = optimizer.clip()
    return how is not None and how[0] != "clipvalue" and bool(optimizer.clip_epsilon)


def _kept_beside(optimizer: Optimizer, own: Native | None) -> list[str]:
    """Return the hyperparameters that Keras's own part does not have."""
    told = () if own is None else own.fields
    # Of a decay that is not the same of all, the rule reads that of the variable.
    return [field for field in optimizer.hyperparameters() if field not in told and field != DECAY]


def _place(optimizer: Optimizer, slot: str) -> str:
    return f"{slot}s" if slot in optimizer.hyperparameters() else slot


def _why(optimizer: Optimizer, own: Native | None, name: str) -> str:
    if own is None:
        return f"{optimizer.rule()}."
    return f"{name} {', '.join(own.why[field] for field in own.departures(optimizer))}."


def _anew(optimizer: Optimizer, own: Native, name: str) -> str:
    """Return Keras's own part, some of whose arguments are set in every step."""
    given = {own.arguments[argument]: f"given_{argument}" for argument in own.anew}
    lines = [f"t = {COUNT.format(dtype='variable.dtype')}"]
    words = {field: f"self.{given.get(field, field)}" for field in optimizer.hyperparameters()}
    for argument, text in own.anew.items():
        lines.append(f"self.{argument} = {expression(value_of(text), WORDS, words)}")
    lines.append("super().update_step(gradient, variable, learning_rate)")
    kept = lines_at(8, [f"self.given_{argument} = {argument}" for argument in own.anew])
    fields, handed = ", ".join(own.anew), "".join(f"{argument}={argument}, " for argument in own.anew)
    return "".join(
        [
            CLASS.format(name=name, base=own.name, doc=documented(_why(optimizer, own, name))),
            KEEPING.format(fields=fields, handed=handed, kept=kept),
            STEP.format(says="Set what changes from step to step, and take Keras's step.", body=lines_at(8, lines)),
        ]
    )


def _written_out(optimizer: Optimizer, own: Native | None, name: str, rest: Sequence[str]) -> str:
    """Return a class with the rule, which keeps its slots where Keras's own part does."""
    slots, letters = optimizer.moments(), optimizer.letters
    places = {slot: one.attribute for slot, one in own.kept(slots, 1.0).items()} if own else {}
    places = {slot: places.get(slot) or _place(optimizer, slot) for slot in slots}
    each = {letters[slot]: places[slot] for slot in slots if slot not in optimizer.shared}
    shared = {letters[slot]: f"self.{places[slot]}" for slot in slots if slot in optimizer.shared}
    words = {field: f"self.{field}" for field in optimizer.hyperparameters()}
    words |= {"w": "variable", "g": "gradient", DECAY: "self.decays[index]"}
    first, body = plain_first(optimizer.meaning(), {"w", "g", *each})
    moved = [one for one in first if one.target in shared]
    clock = "t" in optimizer.meaning().names
    parts = [CLASS.format(name=name, base=own.name if own else OPTIMIZER, doc=documented(_why(optimizer, own, name)))]
    if rest:
        kept = lines_at(8, [f"self.{field} = {field}" for field in rest])
        parts.append(KEEPING.format(fields=", ".join(rest), handed="", kept=kept))
    if own is None and slots:
        made = [f"self.{place} = {_start(optimizer, slot, place)}" for slot, place in places.items()]
        parts.append(BUILDING.format(slots=lines_at(8, made)))
    if moved:
        dtype = f"{next(iter(shared.values()))}.dtype"
        needed = [one for one in first if one.target not in shared and _leads_to(one, moved, first)]
        numbers = [f"t = {COUNT.format(dtype=dtype)}"] if clock else []
        numbers += [_line(one, words | shared, set()) for one in needed]
        numbers += [f"self.assign({shared[one.target]}, {expression(one.value, WORDS, words | shared)})"
                    for one in moved]  # fmt: skip
        past = "super()" if own is None else f"super({own.name}, self)"
        parts.append(SHARED.format(numbers=lines_at(8, numbers), past=past))
    lines = ["index = self._get_variable_index(variable)", "lr = keras.ops.cast(learning_rate, variable.dtype)"]
    lines += [f"t = {COUNT.format(dtype='variable.dtype')}"] if clock else []
    lines += [f"{letter} = self.{place}[index]" for letter, place in each.items()]
    lines += [_line(one, words | shared, {"w", *each}) for one in (*first, *body) if one not in moved]
    looked = each or DECAY in optimizer.meaning().names
    step = STEP.format(says="Move a variable by its gradient.", body=lines_at(8, lines if looked else lines[1:]))
    return "".join([*parts, step])


def _leads_to(one: Statement, moved: Sequence[Statement], first: Sequence[Statement]) -> bool:
    """Return whether what moves the shared numbers is made of a statement."""
    made = frozenset().union(*(other.names for other in moved))
    for other in reversed(first):
        if other.target in made:
            made |= other.names
    return one.target in made


def _start(optimizer: Optimizer, slot: str, place: str) -> str:
    start = optimizer.start(slot)
    how = f"keras.initializers.Constant({start!r})" if start else '"zeros"'
    if slot in optimizer.shared:
        return f'self.add_variable((), initializer={how}, name="{place}")'
    return f'[self.add_variable_from_reference(w, "{place}", initializer={how}) for w in variables]'


def _line(one: Statement, words: dict[str, str], variables: set[str]) -> str:
    value, target = expression(one.value, WORDS, words), words.get(one.target, one.target)
    return f"self.{ASSIGNED[one.sign]}({target}, {value})" if one.target in variables else f"{target} = {value}"
