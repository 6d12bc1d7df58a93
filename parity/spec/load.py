"""Reading a spec: YAML 1.2 with line numbers, or plain data, into a :class:`Spec`; all faults at once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from parity.data.section import SUFFIXES
from parity.errors import Fault, SpecError, nearest
from parity.spec import gallery
from parity.spec.apart import movable, pattern_faults
from parity.spec.consistency import check_changes, check_model
from parity.spec.faults import NOWHERE, Lines, Where, faults_of, given
from parity.spec.graph import graph_of, named
from parity.spec.output_faults import output_faults
from parity.spec.resolve import resolve_side, with_names
from parity.spec.sections import Spec
from parity.spec.yaml import LARGEST, parse_yaml

OF_PROGRAMS = ("model", "loss", "optimizer", "map", "script", "inputs", "channels_first", "padded", "cut",
               "l2_in_optimizer", "masks_ignored", "said_at")  # fmt: skip
"""What is said of a side's program."""


def load_spec(file: str | Path) -> Spec:
    """Read a spec from a YAML file.

    Args:
        file: path of the file.

    Raises:
        SpecError: with every fault of the file, each with its line.
    """
    return parse_spec(read_spec(file), file=str(file))


def read_spec(file: str | Path) -> str:
    """Return the text of a spec file, which is read once: it may be a pipe.

    Args:
        file: path of the file.

    Raises:
        SpecError: when it cannot be read, or is no text.
    """
    path = Path(file)
    try:
        with path.open("rb") as handle:
            content = handle.read(4 * LARGEST + 1)  # Not all of it: there are files without an end.
    except (OSError, ValueError) as error:
        raise SpecError([_unreadable(path, error)]) from None
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        got = f"byte {error.object[error.start]:#04x} is not UTF-8"
        raise SpecError(
            [Fault(path="YAML", got=got, expected="text in UTF-8", fix="save it as UTF-8", line=line, file=str(file))]
        ) from None


def _unreadable(path: Path, error: OSError | ValueError) -> Fault:
    folder = path.parent if os.path.isdir(path.parent) else Path()
    inside = path if os.path.isdir(path) else folder
    try:
        files = sorted(found.name for found in inside.glob("*.y*ml"))
    except OSError:
        files = []
    if os.path.isdir(path):
        fix = f"name a file in it: {', '.join(files[:6])}" if files else ""
        return Fault(path=str(path), got="it is a folder", expected="a spec, a YAML file", fix=fix)
    near = nearest(path.name, files)
    fix = f"did you mean {str(folder / near)!r}?" if near else ""
    if not fix and len(path.parts) == 1 and not path.suffix and (known := gallery.names()):
        name = nearest(path.name, known)
        fix = f"did you mean {name!r}?" if name else f"of the gallery there are {', '.join(known)}"
    reason = error.strerror if isinstance(error, OSError) else str(error)
    got = f"cannot be read: {reason}" if os.path.lexists(path) else "no such file"
    return Fault(path=str(path), got=got, expected="a spec, a YAML file", fix=fix)


def parse_spec(text: str, file: str | None = None) -> Spec:
    """Read a spec from YAML text.

    Args:
        text: the YAML.
        file: name to say in faults.

    Raises:
        SpecError: with every fault of the text.
    """
    data, lines = parse_yaml(text, file)
    return build_spec(data, lines)


def build_spec(data: Any, lines: Lines = NOWHERE) -> Spec:
    """Check plain data and return the spec it means.

    Args:
        data: a mapping as a YAML file would give it; parts of it may be objects already.
        lines: where each path stands in a file, when it came from one.

    Raises:
        SpecError: with every fault.
    """
    where = Where(lines)
    if not isinstance(data, Mapping):
        got = "there is nothing in it" if data is None else f"got {'a list' if isinstance(data, list) else 'a value'}"
        raise SpecError([where.fault((), got, "a mapping with name, data, model, loss, optimizer")])
    try:
        spec = Spec.model_validate(data)
    except ValidationError as error:
        raise SpecError([*faults_of(error, where), *check_changes(data, where)]) from None
    faults = [*check_model(spec.model, where, data=spec.data), *output_faults(with_names(spec), where, {})]
    if faults:
        raise SpecError([*faults, *check_changes(data, where)])
    if spec.optimizer.parts and not spec.sides:  # Else each side has parameters of its own.
        apart = pattern_faults(spec.optimizer, movable(graph_of(named(spec.model))), where)
        if apart:
            raise SpecError(apart)
    folder = Path(lines.file).parent if lines.file else Path()
    spec, faults = _with_programs(_with_sources(spec, folder), where, folder)
    for name, side in spec.sides.items():
        try:
            resolve_side(spec, name, side, where)
        except SpecError as error:
            faults += error.faults
    if faults:
        raise SpecError(faults)
    return spec


def found_from(folder: Path, path: str) -> str:
    """Return a path that a spec gives, as seen from the current folder.

    Paths in a spec are read from the folder of the spec, so that it can be run from anywhere; what is not there, but in
    the current folder, is taken from that.

    Args:
        folder: of the spec.
        path: as it was written.
    """
    beside = os.path.join(folder, path)
    return path if not os.path.exists(beside) and os.path.exists(path) else beside


def _with_sources(spec: Spec, folder: Path) -> Spec:
    """Return the spec with the files it takes data from, and the interpreters, as seen from the current folder."""
    sides = {}
    for name, side in spec.sides.items():
        changes = {path: _with_source(path, value, folder) for path, value in side.changes.items()}
        python = side.python
        if python is not None and os.sep in python and not python.startswith("~"):
            python = found_from(folder, python)
        sides[name] = side.model_copy(update={"changes": changes, "python": python})
    data = spec.data.model_copy(update={"source": source_from(folder, spec.data.source)})
    training, file = spec.training, spec.training.initial_weights
    if file is not None:
        training = training.model_copy(update={"initial_weights": found_from(folder, file)})
    return spec.model_copy(update={"data": data, "training": training, "sides": sides})


def _with_source(path: str, value: Any, folder: Path) -> Any:
    """Return the value of a change, the file in it as seen from the current folder."""
    for section, name, seen in (("data", "source", source_from), ("training", "initial_weights", found_from)):
        if path == f"{section}.{name}" and isinstance(value, str):
            return seen(folder, value)
        if path == section and isinstance(value, Mapping) and isinstance(value.get(name), str):
            return {**value, name: seen(folder, value[name])}
    return value


def source_from(folder: Path, source: str) -> str:
    """Return a source of data as seen from the current folder: a name as it is, a path as :func:`found_from` has it."""
    is_path = os.sep in source or source.lower().endswith(SUFFIXES)
    return found_from(folder, source) if is_path else source


def _with_programs(spec: Spec, where: Where, folder: Path) -> tuple[Spec, list[Fault]]:
    """Return the spec with the paths of hand-written programs made absolute: they are read from the spec's folder."""
    faults: list[Fault] = []
    sides = dict(spec.sides)
    for name, side in sides.items():
        if side.program is None:
            idle = [part for part in OF_PROGRAMS if getattr(side, part)]
            faults += [
                where.fault(("sides", name, part), "there is no program", "a `program:` whose names it tells")
                for part in idle
            ]
            continue
        found = found_from(folder, side.program)
        if not os.path.isfile(found):
            near = nearest(os.path.basename(side.program), sorted(one.name for one in folder.glob("*.py")))
            fix = f"did you mean {near!r}?" if near else "paths are read from the folder of the spec"
            got = f"no file {given(side.program)}"
            faults.append(where.fault(("sides", name, "program"), got, "a Python file", fix))
            continue
        paths = {"program": os.path.realpath(found)}
        if side.script is not None:
            paths["script"] = os.path.realpath(found_from(folder, side.script))
        if side.inputs is not None:
            paths["inputs"] = os.path.realpath(found_from(folder, side.inputs))
            if not os.path.isfile(paths["inputs"]):
                got = f"no file {given(side.inputs)}"
                faults.append(where.fault(("sides", name, "inputs"), got, "an .npz file with an array X"))
        sides[name] = side.model_copy(update=paths)
    return spec.model_copy(update={"sides": sides}), faults
