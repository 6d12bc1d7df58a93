"""Layer names that a program cannot have: what its model is called by already."""

from __future__ import annotations

import keyword
from collections.abc import Sequence

from parity.ops import Op
from parity.spec.paths import auto_names

_TAKEN = """
T_destination add_module apply bfloat16 buffers call_super_init children compile cpu cuda double dump_patches
eval extra_repr float forward get_buffer get_extra_state get_parameter get_submodule half ipu load_state_dict
modules mtia name name_scope named_buffers named_children named_modules named_parameters
non_trainable_variables parameters predict register_backward_hook register_buffer register_forward_hook
register_forward_pre_hook register_full_backward_hook register_full_backward_pre_hook
register_load_state_dict_post_hook register_load_state_dict_pre_hook register_module register_parameter
register_state_dict_post_hook register_state_dict_pre_hook requires_grad_ reset_parameters set_extra_state
set_submodule share_memory state_dict submodules to to_empty train trainable_variables training type variables
with_name_scope xpu zero_grad
"""

RESERVED = frozenset(_TAKEN.split())
"""Attributes of ``torch.nn.Module``, ``tf.Module`` and the templates' models: a layer is an attribute, too."""


def is_reserved(name: str) -> bool:
    """Return whether a layer cannot be called so in any program."""
    return keyword.iskeyword(name) or name in RESERVED


def name_faults(layers: Sequence[Op]) -> dict[int, tuple[str, str]]:
    """Return, by the index of the layer, what is wrong with its name and what to call it instead.

    Args:
        layers: of a model, named or not yet.
    """
    names = auto_names([(op.kind, op.name) for op in layers])
    made: dict[str, str] = {}
    for name, op in zip(names, layers, strict=True):
        ending = op.ending()
        for suffix in [
            *op.started,
            *op.statistics,
            *op.beside,
            *([ending.kind] if ending else []),
            "permute",
            "permuted",
        ]:
            made[f"{name}_{suffix}"] = name
    found: dict[int, tuple[str, str]] = {}
    for index, op in enumerate(layers):
        if not op.name:
            continue
        if op.name in names[:index]:
            found[index] = (f"a second layer is called {op.name!r}", "")
        elif keyword.iskeyword(op.name):
            found[index] = (f"{op.name!r} is a word of Python's own", f"say {op.name}_1")
        elif op.name in RESERVED:
            found[index] = (f"every model has a {op.name!r} of its own", f"say {op.name}_1")
        elif op.name in made:
            found[index] = (f"{op.name!r} is what a part of layer {made[op.name]!r} is called", f"say {op.name}_1")
    return found
