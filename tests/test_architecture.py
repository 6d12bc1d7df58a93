"""The shape of the code: which way imports point, who may touch a framework, sizes, docstrings.

Everything is read with ``ast``, so that nothing has to be imported to be judged. Where a rule is about what happens at
run time (a command that must answer at once), a fresh interpreter says what it loaded. The rules themselves are tested
at the end: each must catch a planted fault.
"""

from __future__ import annotations

import ast
import doctest
import importlib
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import helpers_sample
import pytest

from parity.frameworks import frameworks

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "parity"
TESTS = ROOT / "tests"
FRAMEWORKS = {module for known in frameworks().values() for module in known.modules}
DRIVER = re.compile(r"parity\.frameworks\.\w+\.driver(\.|$)")
"""What runs in a worker and may import a framework."""
LONGEST_FILE = 350
LONGEST_FUNCTION = 70

# Left to right, the sentence that the folders spell. A module may import its own package and whatever stands further
# left; packages on one line are one family and may import each other. A module that is named stands apart from its
# package.
FAMILIES = (
    "activations",
    "constraints",
    "initializers",
    "losses",
    "metrics",
    "ops",
    "optimizers",
    "regularizers",
    "schedules",
)
ORDER: tuple[tuple[str, ...], ...] = (
    ("errors",),
    ("special",),
    ("differentiable",),
    ("lazy",),
    ("rows",),
    ("atomic",),
    ("tensors",),
    ("free_names",),
    ("frameworks",),  # plain data about each, which everybody may read; its parts stand where they are used
    ("entries",),
    ("discovery",),
    ("at_home",),
    ("code",),
    ("formula",),
    ("native",),
    FAMILIES,
    ("catalog",),
    ("data.section",),  # what a spec may say about data, apart from how it is read
    ("spec",),
    ("data",),
    (
        "compile",
        "frameworks.apart",
        "frameworks.around",
        "frameworks.emit",
        "frameworks.kinds",
        "frameworks.loops",
        "frameworks.numerics",
        "frameworks.rule",
        "frameworks.written",
    ),
    ("run", "frameworks.driver"),
    ("reference",),
    ("recorded",),
    ("advice",),
    ("compare",),
    ("explain",),
    ("environments",),
    ("prepare",),
    ("reading", "frameworks.reader"),
    ("goldens",),
    ("court",),
    ("trials",),
    ("result",),
    ("upgrades",),
    ("report",),
    ("tracking",),
    ("commands",),
    ("selftest", "frameworks.faults"),
    ("notebook",),
    ("api",),
    ("plugin",),
    ("cli",),
    ("__main__",),
)
RANK = {name: rank for rank, names in enumerate(ORDER) for name in names}
CATALOGUE = {"entries", "code", "native", *FAMILIES}
"""Entries, their base and their records name each other's types; in annotations only, that may point right."""

RECORDS = {"parity.run.trajectory", "parity.run.digest"}
SEES_OF_RUN = {"compare": RECORDS, "explain": RECORDS, "report": RECORDS}
"""Of ``parity.run``, these packages read what was recorded and nothing else."""


@dataclass(frozen=True, kw_only=True)
class Import:
    """One import statement of one module, with the dotted name it reaches."""

    module: str
    target: str
    line: int
    typing_only: bool

    def __str__(self) -> str:
        return f"{self.module}:{self.line} imports {self.target}"


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


PROGRAMS = PACKAGE / "selftest" / "programs"
"""Programs as people write them: data that workers run, no modules of the package."""

MODULES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py")) if PROGRAMS not in path.parents}


@cache
def tree_of(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


def walk(node: ast.AST, typing_only: bool = False) -> Iterator[tuple[ast.AST, bool]]:
    """Yield every node below, and whether it stands under ``if TYPE_CHECKING``."""
    left = [(node, typing_only)]
    while left:  # One generator for all: half a million nodes are handed on by each that calls another.
        node, inside = left.pop()
        typed = node.body if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test) else []
        found = [(child, inside or child in typed) for child in ast.iter_child_nodes(node)]
        yield from found
        left += found


def base_of(module: str, level: int, is_package: bool) -> str:
    """Return the package that a relative import of ``level`` dots starts from."""
    parts = module.split(".")
    return ".".join(parts[: len(parts) - level + (1 if is_package else 0)])


def imports_of(tree: ast.Module, module: str, is_package: bool = False) -> Iterator[Import]:
    """Yield every import, those inside functions and by name (``import_module("x")``) included."""
    for node, typing_only in walk(tree):
        targets: list[str] = []
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            start = base_of(module, node.level, is_package) if node.level else ""
            source = ".".join(part for part in (start, node.module) if part)
            targets = [f"{source}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = ast.unparse(node.func).rpartition(".")[2]
            if called in {"import_module", "__import__", "LazyModule"} and isinstance(node.args[0].value, str):
                targets = [node.args[0].value]
        for target in targets:
            yield Import(module=module, target=target, line=node.lineno, typing_only=typing_only)


@cache
def all_imports() -> list[Import]:
    return [
        found
        for module, path in MODULES.items()
        for found in imports_of(tree_of(module), module, path.name == "__init__.py")
    ]


def part(dotted: str) -> str:
    """Return the package below ``parity`` that a dotted name belongs to; empty for ``parity`` itself."""
    return dotted.split(".")[1] if "." in dotted else ""


def rank(dotted: str) -> int:
    """Return where a dotted name stands in the order; names of ``parity`` itself stand right of everything."""
    parts = dotted.split(".")
    role = f"frameworks.{parts[3]}" if parts[1:2] == ["frameworks"] and len(parts) > 3 else ".".join(parts[1:3])
    return RANK.get(role, RANK.get(part(dotted), len(ORDER)))


def points_wrong(found: Import) -> bool:
    """Say whether an import points against the order of the packages."""
    if found.target.split(".")[0] != "parity" or found.target == "parity.__version__":
        return False
    if found.typing_only and {part(found.module), part(found.target)} <= CATALOGUE:
        return False
    return rank(found.target) > rank(found.module)


def reaches_framework(found: Import) -> bool:
    """Say whether an import outside the drivers reaches a framework."""
    return not DRIVER.match(found.module) and found.target.split(".")[0] in FRAMEWORKS


def oversees(found: Import) -> bool:
    """Say whether an import sees more of ``parity.run`` than its package may."""
    if DRIVER.match(found.target):
        return not DRIVER.match(found.module)
    if not (found.target == "parity.run" or found.target.startswith("parity.run.")):
        return False
    here = part(found.module)
    seen = SEES_OF_RUN.get(here)
    return seen is not None and not any(f"{found.target}.".startswith(f"{one}.") for one in seen)


def test_every_package_has_its_place_in_the_order() -> None:
    unknown = {part(module) for module in MODULES} - set(RANK) - {""}
    assert not unknown, f"say in ORDER where these stand: {sorted(unknown)}"


def test_imports_point_one_way() -> None:
    wrong = [str(found) for found in all_imports() if points_wrong(found)]
    assert not wrong, "\n".join(wrong)


def test_only_drivers_import_frameworks() -> None:
    wrong = [str(found) for found in all_imports() if reaches_framework(found)]
    assert not wrong, "\n".join(wrong)


def test_compare_explain_and_report_read_records_and_nobody_imports_a_driver() -> None:
    wrong = [str(found) for found in all_imports() if oversees(found)]
    assert not wrong, "\n".join(wrong)


def beyond_the_result(found: Import) -> bool:
    """Return whether a report reaches for anything of parity but the result, how files are written, and the version."""
    allowed = ("parity.report", "parity.result", "parity.atomic", "parity.__version__")
    inside = found.module.split(".")[1:2] == ["report"] and found.target.startswith("parity.")
    return inside and not found.target.startswith(allowed)


def test_a_report_is_drawn_from_the_result_alone() -> None:
    wrong = [str(found) for found in all_imports() if beyond_the_result(found)]
    assert not wrong, "\n".join(wrong)
    planted = Import(
        module="parity.report.sentences.effects", target="parity.explain.effects.LEVEL", line=1, typing_only=True
    )
    assert beyond_the_result(planted)


def frameworks_named(tree: ast.Module) -> list[str]:
    """Return where a framework is named by the name that a spec uses: as a text of its own, a variable or a member."""
    found = []
    for node in ast.walk(tree):
        said = {ast.Constant: "value", ast.Attribute: "attr", ast.Name: "id"}.get(type(node))
        name = getattr(node, said) if said else None
        if isinstance(name, str) and name in frameworks():
            found.append(f"{name} in line {node.lineno}")  # type: ignore[attr-defined]
    return found


def test_a_framework_is_named_in_its_folder_and_in_entries_only() -> None:
    rooms = {*FAMILIES, "frameworks"}
    told = {module: frameworks_named(tree_of(module)) for module in MODULES if part(module) not in rooms}
    assert not {module: names for module, names in told.items() if names}
    for planted in ('DRIVERS = {"torch": 1}', "code = op.keras(site)", "tensorflow.emit(side)"):
        assert frameworks_named(ast.parse(planted))
    assert not frameworks_named(ast.parse('"as PyTorch has it, and torch.optim"'))


def decides_what_is_said(found: Import) -> bool:
    """Return whether a renderer of reports reaches for sentences: these are arranged once, before it draws."""
    renderers = {f"parity.report.{name}" for name in ("terminal", "markdown", "html")}
    if found.module not in renderers or not found.target.startswith("parity.report.sentences"):
        return False
    return found.target != "parity.report.sentences.advice" or found.module != "parity.report.terminal"  # for lint


def test_a_renderer_only_draws() -> None:
    wrong = [str(found) for found in all_imports() if decides_what_is_said(found)]
    assert not wrong, "\n".join(wrong)
    planted = Import(module="parity.report.html", target="parity.report.sentences.verdict", line=1, typing_only=False)
    assert decides_what_is_said(planted)


def public_classes(module: str) -> list[str]:
    return [node.name for node in tree_of(module).body if isinstance(node, ast.ClassDef) and node.name[0] != "_"]


def twice(named: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Return the names that stand in more than one module, of what is told as (name, module)."""
    found: dict[str, list[str]] = {}
    for name, module in named:
        found.setdefault(name, []).append(module)
    return {name: modules for name, modules in found.items() if len(modules) > 1}


def test_no_two_modules_have_one_name() -> None:
    """But for entries, for the parts of a framework and for sentences, which are called after what they are of."""
    named = [
        (module.rpartition(".")[2], module)
        for module, path in MODULES.items()
        if path.name != "__init__.py" and part(module) not in (*FAMILIES, "frameworks") and ".sentences." not in module
    ]
    assert not twice(named)


def test_no_two_public_classes_have_one_name() -> None:
    """But for entries: a metric and a loss may both be the mean absolute error."""
    named = [(name, module) for module in MODULES for name in public_classes(module)]
    entries = tuple(f"parity.{family}." for family in FAMILIES)
    wrong = {
        name: modules
        for name, modules in twice(named).items()
        if not all(module.startswith(entries) for module in modules)
    }
    assert not wrong
    assert twice([("Part", "parity.spec.consistency"), ("Part", "parity.spec.sections")])


APART = {
    "end_to_end": "the command line, and questions from the spec to the report",
    "benchmarks": "what is measured, and that it runs",
    "cases": "public cases as specs, and whether their cause is named first",
    "docs": "what people read: the site, and that what it shows is so",
    "gpu": "what only an NVIDIA GPU shows",
}
"""Folders of tests that mirror no package, and what they hold."""


def mirrors(folder: str) -> bool:
    """Say whether a folder of tests names a package of parity, or a module that stands like one."""
    return folder in APART or folder in {part(module) for module in MODULES} - {""}


def test_tests_stand_in_folders_that_name_what_they_test() -> None:
    files = sorted(TESTS.rglob("test_*.py"))
    wrong = {file.parent.name for file in files if file.parent != TESTS and not mirrors(file.parent.name)}
    assert not wrong
    assert all(file.parent in (TESTS, TESTS / file.parent.name) for file in files), "one folder deep"
    assert mirrors("spec")
    assert not mirrors("pipeline")


def test_no_two_files_of_tests_have_one_name() -> None:
    assert not twice((file.name, str(file)) for file in TESTS.rglob("test_*.py"))


def item_of(test: str, case: int, framework: str, **marks: Any) -> Any:
    """Return an invented test with a case and a framework, and marks by their names."""
    spec = SimpleNamespace(params={"framework": framework}, indices={"case": case, "framework": 5})
    return SimpleNamespace(nodeid=f"a.py::{test}[{case}-{framework}]", callspec=spec,
                           get_closest_marker=marks.get)  # fmt: skip


@pytest.fixture
def first_turn(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Take the sample of turn 0, of invented frameworks, wherever this runs."""
    known = {name: SimpleNamespace(falls_back="b" if name == "lent" else "") for name in ("a", "lent", "b", "c")}
    monkeypatch.setattr(helpers_sample, "frameworks", lambda: known)
    monkeypatch.setattr(helpers_sample, "TURN", 0)
    monkeypatch.setattr(helpers_sample, "WHOLE", False)
    monkeypatch.setattr(helpers_sample, "place_of", lambda test: 0)
    return monkeypatch


def kept_of(items: list[Any]) -> list[str]:
    """Return the names of the tests that are in the sample."""
    left = helpers_sample.left_out(items)
    return [item.nodeid.rpartition("::")[2] for item in items if item not in left]


def test_frameworks_take_turns_where_a_test_says_so(first_turn: pytest.MonkeyPatch) -> None:
    marks = {"turns": {}, "but": {"but": "b"}}
    items = [
        item_of(test, case, name, **({"takes_turns": SimpleNamespace(kwargs=marks[test])} if test in marks else {}))
        for test in ("turns", "but", "all") for case in range(4) for name in ("c", "a", "b")
    ]  # fmt: skip
    kept = kept_of(items)
    assert [name for name in kept if "turns" in name] == ["turns[0-a]", "turns[1-b]", "turns[2-c]", "turns[3-b]"]
    assert [name for name in kept if "but" in name] == [*(f"but[{case}-{name}]" for case, name in zip(
        (0, 0, 1, 2, 2, 3), "abbcbb", strict=True))]  # fmt: skip
    assert len(kept) == 4 + 6 + 12
    first_turn.setattr(helpers_sample, "TURN", 1)
    assert [name for name in kept_of(items) if "turns" in name] == ["turns[0-b]", "turns[1-c]", "turns[2-a]",
                                                                    "turns[3-c]"]  # fmt: skip


def test_a_sample_is_tested_of_a_framework_that_falls_back_and_all_of_others(first_turn: pytest.MonkeyPatch) -> None:
    items = [item_of(test, case, name) for test in ("one", "two") for case in range(13) for name in ("a", "lent")]
    items.append(SimpleNamespace(nodeid="a.py::three", get_closest_marker={}.get))
    kept = kept_of(items)
    assert [name for name in kept if "lent" in name] == ["one[0-lent]", "one[12-lent]", "two[0-lent]", "two[12-lent]"]
    assert len([name for name in kept if "-a]" in name]) == 26
    assert "three" in kept


def test_cases_are_sampled_by_turns_one_of_each_value_at_least(first_turn: pytest.MonkeyPatch) -> None:
    by_case = {"sampled": SimpleNamespace(args=(3,), kwargs={})}
    items = [item_of("one", case, name, **by_case) for case in range(7) for name in ("a", "b")]
    assert kept_of(items) == ["one[0-a]", "one[1-b]", "one[3-a]", "one[4-b]", "one[6-a]"]
    met = set()
    for turn in range(3):
        first_turn.setattr(helpers_sample, "TURN", turn)
        met |= set(kept_of(items))
    assert len(met) == len(items), "in as many turns, every case in every framework"
    by_value = {"sampled": SimpleNamespace(args=(3,), kwargs={"of": "case"})}
    items = [item_of("each", case, name, **by_value) for case in range(7) for name in ("a", "b")]
    for case, item in enumerate(items):
        item.callspec.params["case"] = min(case // 2, 4)
    for turn in range(5):
        first_turn.setattr(helpers_sample, "TURN", turn)
        left = helpers_sample.left_out(items)
        there = [(one.callspec.params["framework"], one.callspec.params["case"]) for one in items if one not in left]
        assert sorted(there) == [(name, value) for name in ("a", "b") for value in range(5)]


def test_tests_without_cases_that_are_sampled_are_the_cases_of_their_file(first_turn: pytest.MonkeyPatch) -> None:
    mark = {"sampled": SimpleNamespace(args=(2,), kwargs={})}
    items = [SimpleNamespace(nodeid=f"{file}.py::{name}", get_closest_marker=mark.get) for file in "pq"
             for name in "tuv"]  # fmt: skip
    assert [item.nodeid for item in items if item not in helpers_sample.left_out(items)] == [
        "p.py::t", "p.py::v", "q.py::t", "q.py::v",
    ]  # fmt: skip
    first_turn.setattr(helpers_sample, "TURN", 1)
    assert kept_of(items) == ["u", "u"]
    mark["sampled"].kwargs["among"] = "questions"
    for turn, kept in ((0, ["t", "v", "u"]), (1, ["u", "t", "v"])):
        first_turn.setattr(helpers_sample, "QUESTIONS", turn)
        assert kept_of(items) == kept, "whole questions turn with the commit, whatever is taken of the others"


def test_a_commit_has_one_turn_and_each_case_is_dealt_to_one_framework(first_turn: pytest.MonkeyPatch) -> None:
    assert helpers_sample.turn_of_commit() == helpers_sample.turn_of_commit()
    for turn in range(4):
        first_turn.setattr(helpers_sample, "TURN", turn)
        every = [one for name in ("a", "b", "c") for one in helpers_sample.dealt(range(10), name)]
        assert sorted(every) == list(range(10))
    first_turn.setattr(helpers_sample, "WHOLE", True)
    assert helpers_sample.dealt(range(10), "a") == list(range(10))


def loaded_after(code: str) -> set[str]:
    """Run code in a fresh interpreter and return the modules it loaded."""
    tail = "\nimport json, sys; print('\\n' + json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code + tail], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("arguments", [["--help"], ["diff", "specs/leaf.yaml"]], ids=" ".join)
def test_quick_commands_load_neither_frameworks_nor_numpy(arguments: list[str]) -> None:
    code = f"""
import sys
sys.argv = ["parity", *{arguments!r}]
from parity.cli import main
try:
    main()
except SystemExit as stop:
    if stop.code:
        raise
"""
    loaded = loaded_after(code)
    assert "parity.cli" in loaded
    assert not loaded & (FRAMEWORKS | {"numpy", "scipy"})


def test_advice_loads_no_framework() -> None:
    loaded = loaded_after("""
from parity.cli import main
try:
    main(["lint", "specs/leaf_small.yaml", "--side", "keras"])
except SystemExit as stop:
    assert not stop.code
""")
    assert "parity.advice" in loaded
    assert not loaded & FRAMEWORKS


@pytest.mark.parametrize("package", ["compare", "explain", "report"])
def test_judging_loads_neither_frameworks_nor_drivers(package: str) -> None:
    names = [module for module in MODULES if module == f"parity.{package}" or module.startswith(f"parity.{package}.")]
    loaded = loaded_after("\n".join(f"import {name}" for name in names))
    assert f"parity.{package}" in loaded
    assert not loaded & FRAMEWORKS
    assert not [name for name in loaded if DRIVER.match(name)]


def undocumented(tree: ast.Module, module: str) -> list[str]:
    """List the public module, classes and functions without a docstring."""
    if any(name.startswith("_") and not name.startswith("__") for name in module.split(".")):
        return []
    missing = [] if ast.get_docstring(tree) else [module]
    for node in tree.body:
        named = isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        if named and not node.name.startswith("_") and not ast.get_docstring(node):
            missing.append(f"{module}.{node.name}")
    return missing


def test_every_public_name_has_a_docstring() -> None:
    missing = [name for module in MODULES for name in undocumented(tree_of(module), module)]
    assert not missing, "\n".join(missing)


def classes_of(trees: Iterable[ast.Module]) -> dict[str, list[ast.ClassDef]]:
    """Return every class by its name."""
    found: dict[str, list[ast.ClassDef]] = {}
    for tree in trees:
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                found.setdefault(node.name, []).append(node)
    return found


def said_above(node: ast.ClassDef, method: str, classes: dict[str, list[ast.ClassDef]]) -> bool:
    """Return whether a class that this one is based on documents a method."""
    names = [ast.unparse(base).partition("[")[0].rpartition(".")[2] for base in node.bases]
    return any(
        said_above(base, method, classes)
        or any(isinstance(one, ast.FunctionDef) and one.name == method and ast.get_docstring(one) for one in base.body)
        for name in names
        for base in classes.get(name, [])
    )


def undocumented_methods(tree: ast.Module, module: str, classes: dict[str, list[ast.ClassDef]]) -> list[str]:
    """List the public methods of public classes that neither say what they do nor override one that does."""
    return [
        f"{module}.{node.name}.{method.name}"
        for node in tree.body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
        for method in node.body
        if isinstance(method, ast.FunctionDef) and not method.name.startswith("_") and not ast.get_docstring(method)
        and not said_above(node, method.name, classes)
    ]  # fmt: skip


def test_every_method_has_a_docstring_or_overrides_one_that_has() -> None:
    classes = classes_of(tree_of(module) for module in MODULES)
    missing = [name for module in MODULES for name in undocumented_methods(tree_of(module), module, classes)]
    assert not missing, "\n".join(missing)


def long_functions(tree: ast.Module, module: str) -> list[str]:
    """List the functions longer than one screen, decorators not counted."""
    found, left = [], list[ast.AST](tree.body)
    while left:
        node = left.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            found += [f"{module}.{node.name}: {lines} lines"] if lines > LONGEST_FUNCTION else []
        if not isinstance(node, ast.expr):  # No function begins in an expression.
            left += ast.iter_child_nodes(node)
    return found


def test_files_are_read_in_one_sitting() -> None:
    lengths = {module: len(path.read_text(encoding="utf-8").splitlines()) for module, path in MODULES.items()}
    long = [f"{module}: {lines} lines" for module, lines in lengths.items() if lines > LONGEST_FILE]
    assert not long, "\n".join(long)


def test_functions_fit_on_one_screen() -> None:
    long = [name for module in MODULES for name in long_functions(tree_of(module), module)]
    assert not long, "\n".join(long)


WITH_EXAMPLES = [
    module
    for module, path in MODULES.items()
    if ">>> " in path.read_text(encoding="utf-8") and not DRIVER.match(module)
]


@pytest.mark.parametrize("module", WITH_EXAMPLES)
def test_examples_in_docstrings_run(module: str) -> None:
    result = doctest.testmod(importlib.import_module(module), optionflags=doctest.ELLIPSIS)
    assert result.attempted
    assert not result.failed


# ------------------------------------------------------------------------------- the rules catch planted faults


def planted(source: str, module: str) -> list[Import]:
    return list(imports_of(ast.parse(source), module))


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("parity.spec.load", "from parity.compile import emit"),
        ("parity.spec.load", "def f():\n    import parity.cli"),
        ("parity.spec.load", "from ..run import session"),
        ("parity.spec.load", "from parity import check"),
        ("parity.spec.load", "if TYPE_CHECKING:\n    from parity.run import Session"),
        ("parity.errors", "from parity.lazy import np"),
        ("parity.ops.dense", "from parity.spec.sections import Spec"),
        ("parity.entries", "from parity.ops import Op"),
        ("parity.spec.sections", "from parity.data.sources import read"),
        ("parity.data.section", "from parity.data.sources import read"),
    ],
)
def test_an_import_against_the_order_is_caught(module: str, source: str) -> None:
    assert [found for found in planted(source, module) if points_wrong(found)]


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("parity.cli", "from parity.spec.load import load"),
        ("parity.spec.load", "from .schema import Spec"),
        ("parity.spec.sections", "from parity.data.section import DataSpec"),
        ("parity.data.sources", "from parity.data.section import DataSpec"),
        ("parity.report.html", "from parity import __version__"),
        ("parity.ops.dense", "from parity.initializers import AnyInitializer"),
        ("parity.code", "if TYPE_CHECKING:\n    from parity.initializers import Initializer"),
        ("parity", "from parity.commands import check"),
        ("parity.report.html", "import jinja2"),
    ],
)
def test_an_import_along_the_order_passes(module: str, source: str) -> None:
    assert not [found for found in planted(source, module) if points_wrong(found)]


@pytest.mark.parametrize(
    "source",
    [
        "import torch.nn as nn",
        "from tensorflow import nn",
        "def f():\n    import keras",
        "import importlib\nimportlib.import_module('torch')",
        "tf = LazyModule('tensorflow')",
    ],
)
def test_a_framework_outside_the_drivers_is_caught(source: str) -> None:
    assert [found for found in planted(source, "parity.compare.verdict") if reaches_framework(found)]
    assert not [found for found in planted(source, "parity.frameworks.torch.driver.driver") if reaches_framework(found)]


@pytest.mark.parametrize(
    ("module", "source", "wrong"),
    [
        ("parity.compare.phases", "from parity.run.trajectory import Trajectory", False),
        ("parity.compare.phases", "from parity.run import session", True),
        ("parity.report.html", "from parity.run import Session", True),
        ("parity.explain.search", "from parity.run.session import Session", True),
        ("parity.explain.outcome", "from parity.run.trajectory import Trajectory", False),
        ("parity.trials.runner", "from parity.run.session import Session", False),
        ("parity.explain.search", "from parity.frameworks.torch.driver.driver import Driver", True),
        ("parity.cli", "import parity.frameworks.torch.driver", True),
        ("parity.run.worker", "from parity.frameworks.torch.driver import driver", True),
        ("parity.frameworks.keras.driver.driver", "from parity.frameworks.tensorflow.driver import tensors", False),
    ],
)
def test_who_may_see_what_of_a_run(module: str, source: str, wrong: bool) -> None:
    assert bool([found for found in planted(source, module) if oversees(found)]) is wrong


def test_missing_docstrings_and_long_functions_are_caught() -> None:
    body = "\n".join("    x = 1" for _ in range(LONGEST_FUNCTION))
    tree = ast.parse(f"def long():\n{body}\n\ndef _private():\n    pass\n")
    assert undocumented(tree, "parity.planted") == ["parity.planted", "parity.planted.long"]
    said = 'class Base:\n    def said(self):\n        """Return."""\n    def unsaid(self): ...\n'
    tree_of_two = ast.parse(f"{said}class Over(Base):\n    def said(self): ...\n    def unsaid(self): ...\n")
    assert undocumented_methods(tree_of_two, "planted", classes_of([tree_of_two])) == [
        "planted.Base.unsaid", "planted.Over.unsaid",
    ]  # fmt: skip
    assert long_functions(tree, "parity.planted") == [f"parity.planted.long: {LONGEST_FUNCTION + 1} lines"]
