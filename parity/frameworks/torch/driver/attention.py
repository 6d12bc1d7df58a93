"""``nn.MultiheadAttention`` as a layer of a spec: what it is called with, and its one matrix taken apart into three."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn import functional

from parity.frameworks.torch.driver.attention_apart import ROLES, ApartProjections, Written
from parity.frameworks.torch.driver.own_parameters import home_of
from parity.frameworks.torch.driver.words import bare, word
from parity.run.told import ToldNode

if TYPE_CHECKING:
    from parity.frameworks.torch.driver.loops import Loop

PART = "nn.MultiheadAttention"

SHOWN = ("need_weights", "average_attn_weights")
"""Arguments of a call that say what it gives beside its output."""

BY_NUMBERS = frozenset({
    "SGD", "Adam", "AdamW", "NAdam", "RAdam", "Adamax", "Adagrad", "Adadelta", "RMSprop", "Rprop", "ASGD",
})  # fmt: skip
"""Optimizers that move each number by its own gradients, whatever tensor it stands in."""


def called_with(args: Any, kwargs: Any, named: Sequence[tuple[torch.Tensor, str]]) -> dict[str, Any]:
    """Return what an attention is called with: of ``roles``, which read is query, key and value; what changes it.

    Args:
        args: of the call.
        kwargs: of the call.
        named: the tensors of the call that a model computes, and their names.
    """
    given = dict(inspect.signature(nn.MultiheadAttention.forward).bind(None, *args, **kwargs).arguments)
    order = [next((at for at, (one, _) in enumerate(named) if one is given[role]), None) for role in ROLES]
    found: dict[str, Any] = {"roles": order}
    mask = given.pop("attn_mask", None)
    causal = isinstance(mask, torch.Tensor) and is_causal(mask)
    if mask is not None and not causal:
        found["attn_mask"] = bare("a mask that does not hide what is behind a place")
    if given.pop("is_causal", False) and mask is None:
        found["is_causal"] = True
    for name, value in given.items():
        if name not in (*ROLES, *SHOWN, "self") and value is not None:
            found[name] = bare("a tensor") if isinstance(value, torch.Tensor) else word(value)
    return {**found, "causal": True} if causal else found


def shares_of(
    query: torch.Tensor, key: torch.Tensor, mask: torch.Tensor | None = None, *, causal: bool,
    scale: float | None = None,
) -> torch.Tensor:  # fmt: skip
    """Return what places give each other, softmax(scale q k^T), as ``F.scaled_dot_product_attention`` has it.

    Args:
        query: (..., places, key_dim).
        key: (..., places that they look at, key_dim).
        mask: which of these a place sees, or what is added to its scores.
        causal: a place does not see those behind it.
        scale: 1 / sqrt(key_dim) if not said.
    """
    scores = query @ key.transpose(-2, -1) * (query.shape[-1] ** -0.5 if scale is None else scale)
    if causal:
        scores = scores.masked_fill(torch.ones_like(scores, dtype=torch.bool).triu(1), -torch.inf)
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf) if mask.dtype == torch.bool else scores + mask
    return scores.softmax(-1)


def is_causal(mask: torch.Tensor) -> bool:
    """Return whether a mask hides from each place what is behind it, and nothing else."""
    if mask.dim() != 2 or mask.shape[0] != mask.shape[1] or len(mask) < 2:
        return False
    hidden = mask if mask.dtype == torch.bool else mask == -torch.inf
    others = mask.dtype == torch.bool or not mask[~hidden].any()
    return bool(others) and bool((hidden == torch.ones_like(hidden).triu(1)).all())


class Apart(nn.Module):  # type: ignore[misc]
    """An attention with a matrix for each of query, key and value, which takes ``nn.MultiheadAttention``'s place.

    Args:
        module: whose numbers, heads and dropout it has; its output's parameters are the same ones.
    """

    in_proj_weight, in_proj_bias, _qkv_same_embed_dim = None, None, False  # Asked for by a TransformerEncoderLayer.

    def __init__(self, module: nn.MultiheadAttention) -> None:
        super().__init__()
        self.num_heads, self.rate, self.batch_first = module.num_heads, module.dropout, module.batch_first
        self.instead: dict[int, list[nn.Parameter]] = {}
        packed = module.in_proj_weight
        weights = (
            [module.q_proj_weight, module.k_proj_weight, module.v_proj_weight]
            if packed is None else self._apart(packed)
        )  # fmt: skip
        biases = [None] * 3 if module.in_proj_bias is None else self._apart(module.in_proj_bias)
        self.query, self.key, self.value = map(_linear, weights, biases)
        self.output = _linear(module.out_proj.weight, module.out_proj.bias)
        self.train(module.training)

    def _apart(self, packed: nn.Parameter) -> list[nn.Parameter]:
        """Return three parameters with the numbers of one."""
        found = [nn.Parameter(one.detach().clone(), packed.requires_grad) for one in packed.chunk(3)]
        self.instead[id(packed)] = found
        return found

    def forward(
        self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, key_padding_mask: Any = None,
        need_weights: bool = True, attn_mask: Any = None, average_attn_weights: bool = True, is_causal: bool = False,
    ) -> tuple[torch.Tensor, torch.Tensor | None]:  # fmt: skip
        """Return the output, and what places give each other if that is asked for."""
        del key_padding_mask, is_causal  # Neither without a mask that is said, or it is no layer of a spec.
        given = (query, key, value)
        if not self.batch_first:
            given = tuple(one.transpose(0, 1) for one in given)
        parts = (self.query(given[0]), self.key(given[1]), self.value(given[2]))
        q, k, v = (one.unflatten(-1, (self.num_heads, -1)).transpose(1, 2) for one in parts)
        shares = functional.dropout(shares_of(q, k, causal=attn_mask is not None), self.rate, self.training)
        mixed = (shares @ v).transpose(1, 2).flatten(2)
        found = self.output(mixed if self.batch_first else mixed.transpose(0, 1))
        if not need_weights:
            return found, None
        return found, shares.mean(1) if average_attn_weights else shares


def _linear(weight: nn.Parameter, bias: nn.Parameter | None) -> nn.Linear:
    """Return a layer that computes with these very parameters."""
    found = nn.Linear(weight.shape[1], weight.shape[0], bias is not None, device="meta")
    found.weight, found.bias = weight, bias
    return found


def layers_in(nodes: Iterable[ToldNode], modules: Mapping[str, Any]) -> set[int]:
    """Return the attentions, by identity, that a spec has a layer for; the others are kept as they are, whole.

    Args:
        nodes: the calls of a model.
        modules: by the names of calls.
    """
    called: dict[int, list[bool]] = {}
    for node in nodes:
        if node.part == PART:
            told, read = node.arguments, node.called
            plain = told.get("batch_first") and not told.get("add_bias_kv") and not told.get("add_zero_attn")
            fits = bool(plain) and set(read) <= {"roles", "causal"} and None not in read["roles"]
            called.setdefault(id(modules[node.name]), []).append(fits)
    return {one for one, fits in called.items() if all(fits)}


def taken_apart(model: nn.Module, loop: Loop, layers: Collection[int], written: Iterable[Written] = ()) -> None:
    """Put attentions with three matrices in the place of a model's own, in its optimizer and its clips, too.

    Args:
        model: of the program; changed.
        loop: in which it trains; changed.
        layers: attentions that a spec has a layer for, by identity.
        written: attentions that the program writes out.
    """
    made: dict[int, Any] = {
        id(home_of(piece.linear)): ApartProjections(piece.linear, one.pieces)
        for one in written for piece in one.pieces if piece.rows is not None
    }  # fmt: skip
    for parent in list(model.modules()):
        for name, one in list(parent.named_children()):
            if type(one) is nn.MultiheadAttention and id(one) in layers:
                made.setdefault(id(one), Apart(one))
            if id(one) in made:
                setattr(parent, name, made[id(one)])
    if not made:
        return
    parts = {key: several for one in made.values() for key, several in one.instead.items()}
    for group in loop.optimizer.param_groups:
        group["params"] = _exchanged(group["params"], parts)
    for clip in loop.clips:
        clip.parameters = _exchanged(clip.parameters, parts)
    for call in loop.last.roots:
        call.modes += [(made[id(one)], mode) for one, mode in call.modes if id(one) in made]


def _exchanged(parameters: Sequence[Any], parts: Mapping[int, list[nn.Parameter]]) -> list[Any]:
    return [one for each in parameters for one in parts.get(id(each), [each])]
