"""`sumun explain`: why a call is allowed or refused, and the smallest change that would allow it."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sumun.cli.operator import Operator, at_work
from sumun.cli.options import CONFIG, data_option, json_option
from sumun.cli.table import print_json, print_lines

if TYPE_CHECKING:
    from sumun.config.calls import Call
    from sumun.config.plan import Plan
    from sumun.explain.caller import Caller
    from sumun.explain.explanation import Explanation


@dataclass(frozen=True, slots=True)
class _Who:
    """The caller as the options name them; `token` is the token itself."""

    user: str | None
    client: str | None
    token: str | None


@click.command()
@click.argument("request_id", required=False)
@click.option("--method", default="GET", show_default=True, help="The call's method.")
@click.option("--path", help="The call's path, such as /products/1.")
@click.option("--host", default="", help="The host that the call names. Default: one that no route names.")
@click.option("--internal", is_flag=True, help="The call comes by the internal listener.")
@click.option("--user", help="Who calls: this person.")
@click.option("--client", help="Who calls: this client for itself; with --user, the client that they use.")
@click.option("--token", help="Who calls: whoever holds a token; `-` reads it from standard input.")
@click.option("--no-credential", is_flag=True, help="Who calls: nobody.")
@click.option("-c", "--config", type=CONFIG, help="Under this file instead of the configuration in force.")
@json_option
@data_option
def explain(
    request_id: str | None,
    method: str,
    path: str | None,
    host: str,
    internal: bool,  # noqa: FBT001 (click hands flags over by name)
    user: str | None,
    client: str | None,
    token: str | None,
    no_credential: bool,  # noqa: FBT001
    config: Path | None,
    as_json: bool,  # noqa: FBT001
    data: Path,
) -> None:
    """Say why a call is allowed or refused, and the smallest change that would allow it.

    As things are now in the data folder: nothing is called, and nothing is changed. With REQUEST_ID: what became of
    that request (X-Request-Id, or the body of a refusal), by the access log, and how it would be now.
    """
    if request_id is not None:
        if path or user or client or token or no_credential:
            raise click.UsageError("A request id says which call and who called: nothing else is needed.")
        from sumun.cli.explain_logged import explain_logged

        explain_logged(request_id, data, config, as_json=as_json)
        return
    if path is None:
        raise click.UsageError("Say which call, --method DELETE --path /products/1, or the id of a request.")
    who = _who(user, client, token, nobody=no_credential)
    _print(_explain(_call(method, path, host, internal=internal), who, config, data), as_json=as_json)


def _who(user: str | None, client: str | None, token: str | None, *, nobody: bool) -> _Who:
    """Exactly one caller. Raises click.UsageError."""
    if sum((user is not None or client is not None, token is not None, nobody)) != 1:
        raise click.UsageError("Say who calls, once: --user, --client, --token - or --no-credential.")
    if token not in (None, "-"):
        raise click.UsageError(
            "A token in a command line can be read by others: send it to standard input and say -."
        )
    return _Who(user, client, None if token is None else sys.stdin.readline().strip())


def _call(method: str, path: str, host: str, *, internal: bool) -> Call:
    from sumun.config.calls import Call, bare_host, check_method, check_path
    from sumun.config.refused import RefusedError

    for value, check in ((method, check_method), (path, check_path)):
        try:
            check(value)
        except RefusedError as error:
            more = "; ".join(filter(None, (error.allowed and f"allowed: {error.allowed}", error.mend)))
            raise click.UsageError(f"{value[:80]!r} {error.what}" + (f" ({more})" if more else "")) from None
    return Call(method, path, bare_host(host), internal)


def _explain(call: Call, who: _Who, config: Path | None, data: Path) -> Explanation:
    """The explanation. A data folder is only needed for who stands in it."""
    from sumun.config import load
    from sumun.explain.explanation import explain as explain_call
    from sumun.node.catalogue import catalogue

    plan = None if config is None else load(config, catalogue())
    if plan is not None:
        caller = _without_data(plan, who)
        if caller is not None:
            return explain_call(plan, call, caller)
    return at_work(data, lambda operator: _with_data(operator, plan or operator.plan, call, who))


def _without_data(plan: Plan, who: _Who) -> Caller | None:
    """Nobody, or a client of the file itself; None for whoever stands in a data folder."""
    from sumun.node.calls.callers import configured_caller

    if who.user is not None or who.token is not None:
        return None
    if who.client is None:
        return _nobody()
    client = plan.clients.get(who.client)
    return None if client is None else configured_caller(client)


def _nobody() -> Caller:
    from sumun.access import Missing
    from sumun.explain.caller import Caller, Shown

    return Caller("nobody", Missing(), Shown.NOTHING)


async def _with_data(operator: Operator, plan: Plan, call: Call, who: _Who) -> Explanation:
    from sumun.access import TOKENS
    from sumun.config.calls import NotServed, serve
    from sumun.explain.explanation import explain as explain_call
    from sumun.node.calls.callers import Callers

    callers = Callers(plan, operator.directory)
    if who.token is not None:
        caller = await callers.token(who.token, operator.store, time.time())
    elif who.user is not None:
        route = serve(plan.routes, call)
        kinds = TOKENS if isinstance(route, NotServed) else route.kinds
        caller = callers.person(who.user, kinds, who.client)
    elif who.client is not None:
        caller = callers.client(who.client)
    else:
        caller = _nobody()
    return explain_call(plan, call, caller)


def _print(explanation: Explanation, *, as_json: bool) -> None:
    from sumun.explain import shapes, words

    if as_json:
        print_json(shapes.as_json(explanation))
        return
    print_lines(words.in_words(explanation))
