"""What a program written by hand imports from its own folder: part of what decides its runs."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
from collections.abc import Iterator
from pathlib import Path


def source_of(program: str | Path) -> str:
    """Return the text of a program, in the encoding that it declares; what is not in that is shown as it can be.

    Args:
        program: path of a Python file.

    Raises:
        OSError: when it cannot be read.
    """
    content = Path(program).read_bytes()
    try:
        return importlib.util.decode_source(content)
    except (SyntaxError, UnicodeDecodeError):  # Whoever imports it says so.
        return content.decode("utf-8", errors="replace")


def files_of(program: str | Path) -> dict[str, str]:
    """Return the SHA-256 of a program written by hand and of every file that it imports from beside it, by path.

    Args:
        program: path of a Python file; the paths of the answer are from its folder.

    Raises:
        OSError: when it cannot be read.
    """
    path = Path(program)
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest(), **beside(path)}


def beside(program: str | Path) -> dict[str, str]:
    """Return the digest of every file that a program imports from beside it, directly or through another.

    Of a package every module counts: which of them it imports itself may depend on anything.

    Args:
        program: path of a Python file; one that cannot be parsed imports nothing.
    """
    folder = Path(program).resolve().parent
    found: dict[str, str] = {}
    left = [Path(program).resolve()]
    while left:
        for name in _imported(left.pop()):
            module, package = folder / f"{name}.py", folder / name
            for file in [module] if module.is_file() else sorted(package.rglob("*.py")):
                key = str(file.relative_to(folder))
                if key not in found:
                    found[key] = hashlib.sha256(file.read_bytes()).hexdigest()
                    left.append(file)
    return found


def _imported(file: Path) -> Iterator[str]:
    """Return the first part of the name of every module that a file imports absolutely."""
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.partition(".")[0]
