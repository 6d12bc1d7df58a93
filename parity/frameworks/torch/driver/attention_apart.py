"""Projections of attentions that a program writes out, where its tensors are: several may be one matrix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import nn

from parity.frameworks.torch.driver.attention_fit import Piece
from parity.frameworks.torch.driver.own_parameters import home_of

ROLES = ("query", "key", "value")


class Written(nn.Module):  # type: ignore[misc]
    """The parameters of an attention that is written out, under the names that ``nn.MultiheadAttention`` has.

    Args:
        pieces: query, key and value.
        output: the projection behind them.
    """

    def __init__(self, pieces: Sequence[Piece], output: nn.Linear) -> None:
        super().__init__()
        self.pieces, self.out_proj = list(pieces), output
        self.packed = len({id(one.linear) for one in pieces}) == 1
        if self.packed:
            self.in_proj_weight, self.in_proj_bias = pieces[0].linear.weight, pieces[0].linear.bias
            return
        for part, one in zip("qkv", pieces, strict=True):
            self.register_parameter(f"{part}_proj_weight", one.linear.weight)
            self.register_parameter(f"{part}_proj_bias", one.linear.bias)


class ApartProjections(nn.Module):  # type: ignore[misc]
    """Projections that a program has as one matrix, each with a matrix of its own; it gives them as that one does.

    Args:
        linear: that a program calls.
        pieces: query, key and value, of which some are in it.
    """

    def __init__(self, linear: nn.Linear, pieces: Sequence[Piece]) -> None:
        super().__init__()
        self.in_features, self.out_features, self.parts = linear.in_features, linear.out_features, []
        given: list[int] = []
        self.instead: dict[int, list[nn.Parameter]] = {id(linear.weight): [], id(linear.bias): []}
        for name, one in zip(ROLES, pieces, strict=True):
            if one.linear is not linear or one.rows is None:
                continue
            made = nn.Linear(linear.in_features, len(one.rows), one.bias is not None, device="meta")
            made.weight = nn.Parameter(one.weight.detach().clone(), linear.weight.requires_grad)
            self.instead[id(linear.weight)].append(made.weight)
            if one.bias is not None:
                made.bias = nn.Parameter(one.bias.detach().clone(), linear.bias.requires_grad)
                self.instead[id(linear.bias)].append(made.bias)
            self.add_module(name, made)
            self.parts.append(made)
            given += one.rows
        self.order = torch.tensor(given).argsort()

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Return all projections, the numbers in the program's order."""
        return torch.cat([one(input) for one in self.parts], -1)[..., self.order]


def lies_at(written: Written, paths: Mapping[int, str], names: Mapping[int, str]) -> tuple[str, dict[str, str]]:
    """Return the path of an attention's output, and those of its parameters by their canonical names.

    Args:
        written: the attention.
        paths: of each module of the model, by its identity.
        names: of each parameter, by its identity.
    """
    output, found = paths.get(id(home_of(written.out_proj)), ""), dict[str, str]()
    for name, piece in zip((*ROLES, "output"), (*written.pieces, Piece(written.out_proj)), strict=True):
        home = None if piece.rows is None else f"{paths.get(id(home_of(piece.linear)), '')}.{name}"
        for what, one in (("kernel", piece.linear.weight), ("bias", piece.linear.bias)):
            if one is not None:
                leaf = "weight" if what == "kernel" else what
                found[f"{name}_{what}"] = names.get(id(one), "") if home is None else f"{home}.{leaf}"
    return output, found
