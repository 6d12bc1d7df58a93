"""What the docs show is so: every command is one that the command line takes, every spec and program can be read.

Commands are parsed as the shell and the command line would, and not run here.
"""

from __future__ import annotations

import re
import shlex
import textwrap
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from parity.cli import main
from parity.spec.load import parse_spec

ROOT = Path(__file__).resolve().parents[2]

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
"""All that people read."""

YOURS = ("specs/my_model.yaml", "specs/mlp.yaml")
"""Files that a reader is to have."""

FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```", re.M | re.S)


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def commands(text: str) -> Iterator[str]:
    """Yield the commands that a page shows in a block of its own: indented, or fenced as a shell's or as text.

    Two spaces or more after a command lead to what is said of it.
    """
    shell = FENCE.sub(lambda found: found[2] if found[1] in ("", "text", "bash", "console") else "", text)
    for line in re.sub(r"\\\n\s*", " ", shell).splitlines():
        found = re.match(r"^(?: {4,}(?:\$ )?|\$ )(parity [a-z]+ .*)$", line)
        if found:
            yield re.split(r"  +", found[1])[0]


def parsed(command: str) -> None:
    """Parse a command, without running it.

    Raises:
        click.ClickException: the command line does not take it.
    """
    words = shlex.split(re.sub(r"[\[\]]", "", command), comments=True)[1:]
    verb = main.get_command(click.Context(main), words[0])
    assert verb is not None, f"parity {words[0]}: there is no such command"
    if "|" in command or "..." in words:  # a choice, or the beginning of one: its options are told one by one elsewhere
        known = {option for one in verb.params for option in one.opts}
        assert {word for word in words if word.startswith("--")} <= known, command
        return
    verb.make_context(words[0], ["3" if word == "N" else word for word in words[1:]], parent=click.Context(main))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_the_command_line_takes_every_command(page: Path) -> None:
    wrong = []
    for command in commands(page.read_text(encoding="utf-8")):
        try:
            parsed(command)
        except (click.ClickException, AssertionError) as error:
            wrong.append(f"{command}: {error.format_message() if isinstance(error, click.ClickException) else error}")
    assert not wrong, "\n".join(wrong)


def test_a_command_that_is_not_taken_is_found() -> None:
    (found,) = commands("text\n\n    $ parity run specs/leaf.yaml --stepps 3\n")
    with pytest.raises(click.ClickException):
        parsed(found)
    with pytest.raises(AssertionError):
        parsed("parity ran specs/leaf.yaml")


def blocks(language: str) -> Iterator[tuple[str, str]]:
    """Yield the page and the text of each block in a language."""
    for page in PAGES:
        for found, text in FENCE.findall(page.read_text(encoding="utf-8")):
            if found == language:
                yield name_of(page), text


def test_every_program_shown_is_python() -> None:
    shown = [*blocks("python")]
    assert len(shown) > 5
    parts = [(page, part) for page, text in shown for part in re.split(r"^\.\.\.$", text, flags=re.M)]
    for page, text in parts:
        inside = textwrap.indent(textwrap.dedent(text), "    ")  # some show the inside of a function
        compile(f"def shown(self):\n{inside}\n    return", page, "exec")


def test_every_whole_spec_shown_is_one() -> None:
    whole = [(page, text) for page, text in blocks("yaml") if re.search(r"^name:", text, re.M) and "model:" in text]
    assert len(whole) >= 3
    for page, text in whole:
        if "..." not in text:
            parse_spec(text, file=page)


REST = {
    "name:": "name: shown",
    "data:": "data: {source: leaf_like}",
    "loss:": "loss: mse",
    "optimizer:": "optimizer: sgd",
    "training:": "training: {batch_size: 8, epochs: 1}",
}
"""What a page leaves out of a spec to show its model."""


def test_every_model_shown_is_one() -> None:
    shown = [(page, text) for page, text in blocks("yaml") if re.search(r"^model:\n", text, re.M)]
    assert len(shown) > 3
    for page, text in shown:
        rest = [line for part, line in REST.items() if not re.search(rf"^{part}", text, re.M)]
        parse_spec("\n".join([text.rstrip(), *rest]) + "\n", file=page)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_make_target_and_file_named_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    assert set(re.findall(r"^ {4}make ([a-z-]+)", text, re.M)) <= targets
    named = re.findall(r"\b((?:specs|tests|parity)/[\w/.-]+\.(?:yaml|py))\b", text)
    absent = [file for file in named if not (ROOT / file).exists() and "NAME" not in file and file not in YOURS]
    assert not absent


def options_of(*verbs: str) -> set[str]:
    return {
        option for verb in verbs for one in main.commands[verb].params if isinstance(one, click.Option)
        for option in one.opts if option.startswith("--")
    }  # fmt: skip


def test_the_overview_of_commands_has_every_command_and_every_option_of_run_and_check() -> None:
    text = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    assert set(main.commands) == set(re.findall(r"`parity ([a-z]+)", text))
    rows = "\n".join(line.split(" | ")[0] for line in text.splitlines() if line.startswith("| `-"))
    assert set(re.findall(r"--[a-z-]+", rows)) == options_of("run", "check") - {
        "--against"
    }  # a command of its own there
