"""Formulas: what an entry means as text, which NumPy runs and a framework without a fitting part writes out.

A formula is a few assignments, ``v = rho * v + (1.0 - rho) * g * g``, or ends in an expression, its value. Its names
are the entry's fields and what the family gives it; its functions are those of :mod:`parity.differentiable`. A
framework says in its :class:`~parity.frameworks.Words` what it calls them.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from types import CodeType
from typing import Any

from parity.frameworks import Words
from parity.lazy import differentiable

SIGNS: dict[type[ast.operator], str] = {ast.Add: "+=", ast.Sub: "-="}
OPERATORS: dict[str, Callable[[Any, Any], Any]] = {"+=": operator.add, "-=": operator.sub}


@dataclass(frozen=True)
class Statement:
    """A line of a formula.

    Args:
        target: what is assigned to; empty in the expression that a formula ends in.
        sign: ``=``, ``+=`` or ``-=``.
        value: what is assigned, added or taken off.
    """

    target: str
    sign: str
    value: ast.expr

    @cached_property
    def names(self) -> frozenset[str]:
        """The names that the value is made of, without its functions."""
        called = {id(node.func) for node in ast.walk(self.value) if isinstance(node, ast.Call)}
        found = (node for node in ast.walk(self.value) if isinstance(node, ast.Name) and id(node) not in called)
        return frozenset(node.id for node in found)

    @cached_property
    def functions(self) -> frozenset[str]:
        """The functions that the value calls."""
        return frozenset(ast.unparse(node.func) for node in ast.walk(self.value) if isinstance(node, ast.Call))

    @cached_property
    def _code(self) -> CodeType:
        return compile(ast.unparse(self.value), f"<formula of {self.target or 'a value'}>", "eval")

    def evaluated(self, scope: Mapping[str, Any]) -> Any:
        """Return the value, in NumPy."""
        return eval(self._code, {"__builtins__": {}}, scope)

    def after(self, scope: Mapping[str, Any]) -> Any:
        """Return what the target is after it, in NumPy."""
        value = self.evaluated(scope)
        return value if self.sign == "=" else OPERATORS[self.sign](scope[self.target], value)


class Formula:
    """What an entry means.

    Args:
        text: assignments, a line each, and for all but update rules an expression at their end.
    """

    def __init__(self, text: str) -> None:
        lines = [line.strip() for line in text.strip().splitlines()]
        self.statements = [_statement(node) for node in ast.parse("\n".join(lines)).body]

    @cached_property
    def names(self) -> frozenset[str]:
        """Every name that is read or assigned to."""
        targets = {one.target for one in self.statements if one.target}
        return frozenset().union(targets, *(one.names for one in self.statements))

    @cached_property
    def functions(self) -> frozenset[str]:
        """Every function that is called."""
        return frozenset().union(*(one.functions for one in self.statements))

    def run(self, **values: Any) -> dict[str, Any]:
        """Return what the names stand for at the end, in NumPy; the value as ``""``."""
        scope = {**_functions(self), **values}
        for one in self.statements:
            scope[one.target] = one.after(scope)
        return scope

    def moved(self, target: str, given: Mapping[str, Any]) -> tuple[dict[str, Any], Any]:
        """Return what the names stand for at the end, and what has been added to one of them.

        The sum of what is added, not the difference of two sums, which would have lost its last digits.

        Args:
            target: its name; it is added to and taken off from, and never set.
            given: values by name.
        """
        scope, move = {**_functions(self), **given}, 0.0
        for one in self.statements:
            if one.target == target:
                move = OPERATORS[one.sign](move, one.evaluated(scope))
                scope[target] = given[target] + move
            else:
                scope[one.target] = one.after(scope)
        return scope, move

    def value(self, **values: Any) -> Any:
        """Return the value of the expression at the end, in NumPy."""
        return self.run(**values)[""]

    def lines(self, words: Words, names: Mapping[str, str] = {}) -> list[str]:
        """Return it as source: an assignment a line, and ``return`` with the value.

        Args:
            words: of the framework.
            names: what its names are written as.
        """
        return [
            f"{one.target} {one.sign} {expression(one.value, words, names)}"
            if one.target
            else f"return {expression(one.value, words, names)}"
            for one in self.statements
        ]


@cache
def formula_of(text: str) -> Formula:
    """Return the formula of a text, read once."""
    return Formula(text)


def value_of(text: str) -> ast.expr:
    """Return what a formula of one expression is."""
    return formula_of(text).statements[-1].value


def _statement(node: ast.stmt) -> Statement:
    if isinstance(node, ast.Expr):
        return Statement("", "=", node.value)
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        return Statement(node.targets[0].id, "=", node.value)
    if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name) and type(node.op) in SIGNS:
        return Statement(node.target.id, SIGNS[type(node.op)], node.value)
    raise ValueError(f"a formula is made of assignments to names and one expression, not of {ast.unparse(node)!r}")


def _functions(formula: Formula) -> dict[str, Any]:
    return {name: getattr(differentiable, name) for name in formula.functions} | {"pi": differentiable.pi}


def expression(value: ast.expr, words: Words, names: Mapping[str, str] = {}) -> str:
    """Return an expression of a formula as a framework's source.

    Args:
        value: the expression.
        words: of the framework.
        names: what its names are written as, a number or an expression.
    """
    return _expression(ast.unparse(value), words, tuple(names.items()))


@lru_cache(maxsize=4096)
def _expression(text: str, words: Words, names: tuple[tuple[str, str], ...]) -> str:
    """Return it as :func:`expression` does: every program of a framework has the same few."""
    return ast.unparse(_Writer(words, dict(names)).visit(ast.parse(text, mode="eval").body))


class _Writer(ast.NodeTransformer):
    """Puts a framework's words in the place of a formula's.

    Args:
        words: of the framework.
        names: what names are written as.
    """

    def __init__(self, words: Words, names: Mapping[str, str]) -> None:
        self.words, self.names = words, {"pi": "math.pi", **names}

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return _parsed(self.names.get(node.id, node.id))

    def visit_Call(self, node: ast.Call) -> ast.expr:
        name, plain = ast.unparse(node.func), _is_number(node)
        arguments = [self.visit(one) for one in node.args]
        keywords = {
            self.words.keywords.get(one.arg or "", one.arg or ""): self.visit(one.value) for one in node.keywords
        }
        if plain:
            return _called(_parsed(f"math.{name}"), arguments, keywords)
        if name == "where" and not _names(node.args[1]):
            name = "where_number" if "where_number" in self.words.functions else name
        said = self.words.functions.get(name, f"{self.words.prefix}{name}")
        if said.startswith("."):
            first, *arguments = arguments
            return _called(ast.Attribute(first, said[1:]), arguments, keywords)
        made = _parsed(said)
        if isinstance(made, ast.Attribute | ast.Name):
            return _called(made, arguments, keywords)
        return _Filler({f"_{index}": one for index, one in enumerate(arguments)}).visit(made)


class _Filler(ast.NodeTransformer):
    """Puts arguments in their places, ``_0`` and ``_1``."""

    def __init__(self, arguments: Mapping[str, ast.expr]) -> None:
        self.arguments = arguments

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.arguments.get(node.id, node)


def _called(function: ast.expr, arguments: list[ast.expr], keywords: Mapping[str, ast.expr]) -> ast.expr:
    return ast.Call(function, arguments, [ast.keyword(name, value) for name, value in keywords.items()])


def _parsed(source: str) -> ast.expr:
    return ast.parse(source, mode="eval").body


def _is_number(node: ast.Call) -> bool:
    """Return whether a call is of numbers only, which Python itself computes."""
    return not any(_names(one) for one in node.args)


def _names(node: ast.expr) -> set[str]:
    """Return the names in an expression that may be tensors."""
    inside = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
    return inside - {"pi"} - {ast.unparse(one.func) for one in ast.walk(node) if isinstance(one, ast.Call)}


def plain_first(
    formula: Formula, tensors: Collection[str]
) -> tuple[list[Statement], list[Statement]]:  # fmt: skip
    """Return the statements of an update rule that need no tensor of a parameter, and those that do.

    Args:
        formula: the rule.
        tensors: names that stand for a tensor of each parameter.
    """
    found, first, rest = set(tensors), [], []
    for one in formula.statements:
        if one.names & found or one.target in found:
            found.add(one.target)
            rest.append(one)
        else:
            first.append(one)
    return first, rest
