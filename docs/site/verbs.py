"""Pages of the reference that are made of the command line: what ``parity VERB --help`` says."""

from __future__ import annotations

import click
from marked import cell, code, table

from parity.cli import main


def pages() -> tuple[dict[str, str], list[str]]:
    """Return the pages, by their path in the site, and their paths in the order of the navigation."""
    context = click.Context(main, info_name="parity")
    found = {}
    for name in main.list_commands(context):
        verb = main.get_command(context, name)
        if verb is not None:
            found[f"reference/commands/{name}.md"] = _page(name, verb, context)
    return found, [*found]


def _page(name: str, verb: click.Command, parent: click.Context) -> str:
    context = click.Context(verb, info_name=name, parent=parent)
    records = [one for parameter in verb.get_params(context) if (one := parameter.get_help_record(context))]
    usage = f"{context.command_path} {' '.join(verb.collect_usage_pieces(context))}"
    options = table(
        ["option", ""], [[code(said.replace("INTEGER RANGE", "N")), cell(about)] for said, about in records if about]
    )
    return f"# parity {name}\n\n{cell(verb.help or '')}\n\n    {usage}\n\n{options}\n"
