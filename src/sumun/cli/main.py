"""The command tree, and the one place where an error becomes a sentence and an exit code."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

import click

from sumun import __version__
from sumun.errors import SumunError

# Command name -> (module, object, what the overview says). Modules are imported when their command is used.
COMMANDS = {
    "run": ("sumun.cli.run", "run", "Run the gateway until Ctrl-C."),
    "reload": (
        "sumun.cli.reload",
        "reload",
        "Bring a changed configuration to life, hitless, or change nothing.",
    ),
    "status": (
        "sumun.cli.status",
        "status",
        "Is the gateway well; if not, what is ill, and what becomes of calls.",
    ),
    "check": ("sumun.cli.check", "check", "Check a configuration file; every problem at once."),
    "show": (
        "sumun.cli.show",
        "show",
        "Show the files that a configuration renders to, and why each line is there.",
    ),
    "diff": ("sumun.cli.diff", "diff", "What another configuration changes: who gains and loses what."),
    "explain": (
        "sumun.cli.explain",
        "explain",
        "Why a call is allowed or refused, and the smallest change that would allow it.",
    ),
    "replay": (
        "sumun.cli.replay",
        "replay",
        "Which calls of the access log another configuration would treat otherwise.",
    ),
    "shadow": (
        "sumun.cli.shadow",
        "shadow",
        "Which calls of the access log shadow rules would decide otherwise.",
    ),
    "demo": ("sumun.cli.demo", "demo", "Run the gateway with the demo shop."),
    "user": ("sumun.cli.user", "user", "People: add, list, show, disable, password, grant, revoke."),
    "client": ("sumun.cli.client", "client", "OAuth clients: add, list, show, disable, rotate their secret."),
    "token": ("sumun.cli.token", "token", "Access tokens: issue, show, revoke, edit."),
    "role": ("sumun.cli.role", "role", "Roles: list what each bundles and who holds it."),
    "keys": ("sumun.cli.keys", "keys", "Signing keys: list, rotate, retire."),
}


class _Lazy(click.Group):
    """Imports a command's module when the command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of the table, not of the alphabet."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import one command."""
        if name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[name]
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The overview, without importing anything."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, _, about) in COMMANDS.items()])


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="sumun")
def sumun() -> None:
    """sumun: an API gateway that knows who is calling, and whether they may."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit: 0 done, 1 refused or failed, 2 wrong input, 3 something outside is missing."""
    try:
        code = sumun.main(arguments, prog_name="sumun", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except SumunError as error:
        several_lines = "\n" in str(error)  # problems with the lines that they are in
        click.echo(str(error) if several_lines else f"sumun: {error}", err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # `sumun ... | head`: the reader went away, which is not our error. Keep Python's exit from flushing into it.
        sys.stdout = None
        sys.exit(0)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        click.echo(f"sumun: {where}{error.strerror or error}", err=True)
        sys.exit(3)
    sys.exit(code if isinstance(code, int) else 0)
