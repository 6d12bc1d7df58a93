"""The frameworks: a folder each, found by being there. Here stands what all of parity may know of one: plain data.

===================== ================================================================================================
in a folder           what it is
===================== ================================================================================================
``__init__.py``       ``FRAMEWORK``, the data; a worker reads them, so they need the standard library and nothing else
``emit.py``           a side's layers, loss and optimizer as the parts of a program, and where its tensors live
``program.py.jinja``  the program that these parts stand in
``numerics.py``       what ``numerics`` of a side compiles to
``driver/``           runs a program in a worker: the only code that imports the framework; ``driver/watcher.py`` sees
                      one train that somebody wrote, and tells what it holds
``reader.py``         what of that is no entry by its table of native parts alone
``faults.py``         faults to plant in its programs, which the judge must find
===================== ================================================================================================

What a folder does not have is looked for in the one that it falls back on.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from types import ModuleType
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Hole:
    """What cannot be said in a framework.

    Args:
        why: the reason; empty for what nobody has written yet.
        fix: what to do in its place.
        values: for which values of a field it holds; empty for all but its default.
    """

    why: str = ""
    fix: str = ""
    values: tuple[Any, ...] = ()

    @property
    def word(self) -> str:
        """Return ``never`` or ``not yet``."""
        return "never" if self.why else "not yet"


@dataclass(frozen=True, kw_only=True, eq=False)
class Words:
    """What a framework calls the functions of a formula; each is itself, so that what it words can be kept by it.

    Args:
        prefix: of all that ``functions`` does not have.
        functions: by the formula's name: a function; ``.name``, a method of the first argument; or an expression in the
            arguments ``_0`` and ``_1``. ``where_number`` is ``where`` with a number ahead of a tensor.
        keywords: what it calls arguments that are said by name, where that is something else.
    """

    prefix: str
    functions: Mapping[str, str] = field(default_factory=dict)
    keywords: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Build:
    """The build of a package that runs on a CPU alone, which comes without the libraries of a GPU.

    Args:
        package: that has it, where it is another one.
        local: what its version ends in.
        index: that has it beside the usual one.
    """

    package: str = ""
    local: str = ""
    index: str = ""


@dataclass(frozen=True, kw_only=True)
class Framework:
    """What is known of a framework without importing it.

    Args:
        name: that a spec uses; of its folder, too.
        title: in text for people.
        packages: distributions whose versions can move the last bit of a run, its own first.
        modules: that must be there to run it.
        install: what ``pip install`` is given for them.
        extra: of parity's own, that brings them; empty where there is none.
        on_a_gpu: what brings its libraries for a GPU.
        releases: of its packages, those of which it does not run every release: the first that it runs, and the first
            that it runs no more, empty where there is none.
        builds: of its packages, those that environments take from elsewhere (64-bit Linux on x86).
        falls_back: the framework whose templates and emitter it uses where it has none of its own.
        documentation: by how the name of a part begins, the address of what is written about it; ``{name}`` stands for
            the name, ``{path}`` for the name with slashes.
        files: folder that the files of its source stand in.
        other_names: that people call it by.
        words: what it calls the functions of a formula, of its tensors.
        scalars: the same of a schedule's formula: of the rate as its programs compute it.
        native: by section of a spec, the fields whose own default is not the one declared there.
        lacks: fields by path that it has no word for.
        not_yet: entries that it does not have although it falls back on one that has, as ``family.kind``.
        masks_under_a_compiler: whether a step that is compiled can still take dropout masks from outside.
        why_moved: why its layers need the axes elsewhere than a spec has them.
        sees_inputs: whether what goes into a layer of a program written by hand can be seen, as a module's can.
        takes_in_order: whether a script that is read takes several inputs by their order, whatever it calls them.
        gives_in_order: whether a script that is read gives several outputs by their order, whatever it calls them.
        remembers_logits: whether probabilities still carry the logits that they were made of.
        carries_masks: whether a tensor carries its mask from layer to layer, so that no program has to say it.
        penalises_outputs: whether its layers take an ``activity_regularizer`` of Keras's.
        saves_as: how the names of files end that hold a model.
        fuses_at_once: whether its optimizers have kernels of one pass over memory, which nothing has to compile.
        environment: variables that are set before it is imported.
        imports_late: modules that it imports by itself where first an optimizer is made, or a generator seeded.
        forks_of: the framework whose imports are the same, and whose fork server is its own.
    """

    name: str
    title: str
    packages: tuple[str, ...]
    modules: tuple[str, ...]
    install: str
    extra: str
    on_a_gpu: str
    releases: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    builds: Mapping[str, Build] = field(default_factory=dict)
    falls_back: str = ""
    documentation: Mapping[str, str] = field(default_factory=dict)
    files: str = ""
    other_names: tuple[str, ...] = ()
    words: Words = Words(prefix="")
    scalars: Words = Words(prefix="")
    native: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    lacks: Mapping[str, Hole] = field(default_factory=dict)
    not_yet: frozenset[str] = frozenset()
    masks_under_a_compiler: bool = True
    why_moved: str = ""
    sees_inputs: bool = True
    takes_in_order: bool = False
    gives_in_order: bool = False
    remembers_logits: bool = False
    carries_masks: bool = False
    penalises_outputs: bool = False
    saves_as: tuple[str, ...] = ()
    fuses_at_once: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    imports_late: tuple[str, ...] = ()
    forks_of: str = ""

    @property
    def line(self) -> tuple[str, ...]:
        """Return its name and those of the frameworks that it falls back on, nearest first."""
        return (self.name, *(frameworks()[self.falls_back].line if self.falls_back else ()))

    def runs(self, package: str, version: str) -> bool:
        """Return whether it runs a release of a package.

        Args:
            package: its name.
            version: of the release.
        """
        from packaging.version import InvalidVersion, Version

        first, over = self.releases.get(package, ("", ""))
        try:
            late = not first or Version(version) >= Version(first)
            return late and (not over or Version(version) < Version(over))
        except InvalidVersion:
            return True  # Whoever installs it says so.

    def installed(self) -> bool:
        """Return whether this interpreter has it, without importing it."""
        return all(importlib.util.find_spec(name) is not None for name in self.modules)


@cache
def frameworks() -> dict[str, Framework]:
    """Return what is known of every framework that has a folder here, by name, in the order of the alphabet."""
    found = {}
    for info in pkgutil.iter_modules(__path__):
        if info.ispkg:
            known = importlib.import_module(f"{__name__}.{info.name}").FRAMEWORK
            found[known.name] = known
    return dict(sorted(found.items()))


def part_of(framework: str, name: str) -> ModuleType:
    """Return a module of a framework's folder, or of the first that it falls back on and that has it.

    What imports the framework itself, its driver, finds the environment that the framework wants.

    Args:
        framework: its name.
        name: of the module, ``emit`` or ``driver.driver``.

    Raises:
        ModuleNotFoundError: when none of them has it.
    """
    known = frameworks()[framework]
    home = home_of(framework, name) or known.line[-1]
    if name.startswith("driver."):
        os.environ.update(known.environment)
    return importlib.import_module(f"{__name__}.{home}.{name}")


def has_part(framework: str, name: str) -> bool:
    """Return whether :func:`part_of` finds a module."""
    return home_of(framework, name) is not None


@cache
def home_of(framework: str, name: str) -> str | None:
    """Return whose folder has a module; it is asked of every entry of a spec, and each look is one at the disk."""
    line = frameworks()[framework].line
    return next((one for one in line if _is_there(f"{__name__}.{one}.{name}")), None)


def _is_there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # Not even the package that it would stand in.
        return False


def title_of(framework: str) -> str:
    """Return how a framework is called in text for people."""
    return frameworks()[framework].title


def native_of(section: str) -> dict[str, Mapping[str, Any]]:
    """Return, by framework, the fields of a spec's section whose own default is not the one declared there.

    Args:
        section: ``training`` or ``numerics``.
    """
    return {name: known.native[section] for name, known in frameworks().items() if section in known.native}
