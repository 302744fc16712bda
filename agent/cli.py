"""The agent's command line. Parses, calls, and turns errors into sentences and exit codes."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.text import Text

from agent.config import PREFIXES, AgentSettings, load_settings
from settings.loading import SettingsInvalid, doubtful_keys
from settings.showing import lines_of

EXIT_FAILED = 1
EXIT_MISUSED = 2


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError):
        raise typer.BadParameter(
            f"{text!r} is no time: expected 2026-03-04 or 2026-03-04T10:30:00+07:00"
        ) from None


Quiet = Annotated[
    bool, typer.Option("--quiet", help="Log into the file alone, not to stderr as well.")
]

commands = typer.Typer(
    name="python -m agent",
    help="Sightpost's agent: the program on the camera.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # with rich it calls every flag a <bool>
    context_settings={"max_content_width": 100},
)


@commands.command()
def run(
    source: Annotated[
        str | None,
        typer.Option(help="Frame source, instead of AGENT_SOURCE: a URI or path.", metavar="URI"),
    ] = None,
    until_end: Annotated[
        bool,
        typer.Option(
            "--until-end",
            help="Stop when the source has ended and every row is acknowledged.",
        ),
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Run the whole agent: watch, store and send."""
    from agent.app import run_agent

    overrides = {} if source is None else {"AGENT_SOURCE": source}
    _warn_of_doubtful_keys()
    raise typer.Exit(run_agent(_settings(overrides), until_end=until_end, quiet=quiet))


@commands.command()
def send(
    once: Annotated[bool, typer.Option("--once", help="Send what waits now, then stop.")] = False,
    retry_refused: Annotated[
        bool,
        typer.Option("--retry-refused", help="First queue again what the server refused."),
    ] = False,
    resend: Annotated[
        bool,
        typer.Option("--resend", help="First queue again what the server acknowledged --since."),
    ] = False,
    test: Annotated[
        bool,
        typer.Option("--test", help="Only try whether the server lets this camera in."),
    ] = False,
    since: Annotated[
        datetime | None,
        typer.Option(
            help="With --resend: the time of the server's backup, or earlier; ISO 8601, without "
            "offset local.",
            metavar="TIME",
            parser=_moment,
        ),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Run the sender alone. AGENT_SENDER=separate leaves it to this command."""
    from agent.sender_app import run_sender, try_server

    if test:
        typer.echo(try_server(_settings({})))
        return
    if resend != (since is not None):
        _fail("--resend and --since TIME go together: --resend --since 2026-03-04", EXIT_MISUSED)
    _warn_of_doubtful_keys()
    code = run_sender(
        _settings({}), once=once, retry_refused=retry_refused, resend_since=since, quiet=quiet
    )
    raise typer.Exit(code)


@commands.command()
def prune(
    older_than: Annotated[
        str,
        typer.Option(
            help="Rows that the server acknowledged longer ago than this go, with their pictures: "
            "30d, 8w, 1y.",
            show_default=False,
        ),
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
) -> None:
    """Delete what was sent long ago, also while the agent runs. What waits is never touched."""
    from agent.pruning import age_of, prune_now

    typer.echo(prune_now(_settings({}), older_than=age_of(older_than), dry_run=dry_run))


@commands.command()
def read(
    paths: Annotated[
        list[Path], typer.Argument(help="Pictures, clips, or folders of them.", metavar="PATH...")
    ],
    as_json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="One JSON line for each picture; that of a file that failed has an 'error' beside "
            "its empty 'plates' and 'faces'.",
        ),
    ] = False,
    regions: Annotated[
        str | None,
        typer.Option(
            "--region",
            "--regions",
            help="Whose plates to expect (eu,us,th,...), instead of AGENT_REGIONS; empty: guess.",
        ),
    ] = None,
) -> None:
    """Read plates and faces in pictures or clips and print them. Touches no database."""
    from agent.comma_list import comma_list
    from agent.read import read_paths
    from agent.seeing import make_face_models, make_networks, make_plate_reader
    from vision.plates.formats import UnknownRegion, formats_of

    if regions:
        try:
            formats_of(comma_list(regions))
        except UnknownRegion as error:  # which of two places is wrong, is said here
            _fail(f"--region {regions}: {error}", EXIT_MISUSED)
    settings = _settings({} if regions is None else {"AGENT_REGIONS": regions})
    networks = make_networks(settings)
    code = read_paths(
        paths,
        plate_reader=make_plate_reader(settings, networks),
        face_detector=make_face_models(settings, networks).detector,
        as_json=as_json,
        out=sys.stdout,
    )
    raise typer.Exit(code)


@commands.command("settings")
def show_settings(
    keys: Annotated[
        list[str] | None,
        typer.Argument(help="Print only the values of these, a line each.", metavar="[KEY]..."),
    ] = None,
) -> None:
    """Print the settings in force in this folder. Secrets are not shown."""
    if not keys:  # a script asks for single ones, often
        _warn_of_doubtful_keys()
    settings = _settings({})
    try:
        lines = lines_of(settings, keys or ())
    except SettingsInvalid as error:
        _fail(str(error), EXIT_MISUSED)
    for line in lines:
        typer.echo(line)


models = typer.Typer(
    help="The models: what there is, fetching them, checking them.", no_args_is_help=True
)
commands.add_typer(models, name="models")


@models.command("list")
def list_models(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line for each model.")] = False,
) -> None:
    """Show every model: what it is for, where, how large, which licence."""
    from agent.cli_models import list_models

    list_models(_settings({}).models_dir, as_json=as_json)


@models.command("fetch")
def fetch_models(
    names: Annotated[
        list[str] | None, typer.Argument(help="Models by name ('models list').", metavar="NAME...")
    ] = None,
    fetch_all: Annotated[
        bool, typer.Option("--all", help="Everything that is not here and can be fetched.")
    ] = False,
) -> None:
    """Download models, go on where a download broke off, and check them."""
    from agent.cli_models import fetch_models, fetchable

    settings = _settings({})
    wanted = fetchable(settings.models_dir) if fetch_all else names or []
    if not wanted and not fetch_all:
        _fail("name the models to fetch ('models list' shows them), or say --all", EXIT_MISUSED)
    raise typer.Exit(fetch_models(wanted, settings.models_dir, base_url=settings.models_base_url))


@models.command("verify")
def verify_models(
    names: Annotated[
        list[str] | None, typer.Argument(help="Models by name; none: all.", metavar="NAME...")
    ] = None,
) -> None:
    """Compare the files with the manifest's sha256. Exit 1 where one is wrong."""
    from agent.cli_models import verify_models

    raise typer.Exit(verify_models(names or [], _settings({}).models_dir))


@commands.command()
def password(
    from_stdin: Annotated[
        bool, typer.Option("--stdin", help="Read it from standard input, for an installer.")
    ] = False,
) -> None:
    """Set the operator's password of the page. Who is logged in has to log in again."""
    from agent.outbox.durable import write_durably
    from agent.web.password import PasswordFile

    settings = _settings({})
    if from_stdin:
        chosen = sys.stdin.readline().rstrip("\r\n")
    elif not sys.stdin.isatty():
        _fail("standard input is no terminal: give the password with --stdin", EXIT_MISUSED)
    else:
        chosen = typer.prompt("New password", hide_input=True, confirmation_prompt=True)
    file = PasswordFile.beside(settings.db_path)
    file.set(chosen, write_durably)
    Console().print(f"The page asks for it from now on ({file.path}).", soft_wrap=True)


@commands.command()
def check(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Run every health check once; exit 1 if one fails. An agent that runs is only asked."""
    from agent.checking import check as check_all

    _warn_of_doubtful_keys()
    raise typer.Exit(check_all(_settings({}), as_json=as_json, out=sys.stdout))


def main() -> None:
    """Entry point: errors that a person can mend are told in a sentence, without a traceback."""
    from agent.camera.errors import SourceError
    from agent.errors import AgentError
    from vision.errors import VisionError

    try:
        commands()
    except SettingsInvalid as error:
        _fail(str(error), EXIT_MISUSED)
    except (AgentError, SourceError, VisionError) as error:
        _fail(str(error), EXIT_FAILED)


def _settings(overrides: dict[str, Any]) -> AgentSettings:
    try:
        return load_settings(overrides=overrides)
    except SettingsInvalid as error:
        _fail(str(error), EXIT_MISUSED)


def _warn_of_doubtful_keys() -> None:
    try:
        doubts = doubtful_keys(AgentSettings, prefixes=PREFIXES)
    except SettingsInvalid as error:
        _fail(str(error), EXIT_MISUSED)
    for doubt in doubts:
        Console(stderr=True).print(Text.assemble(("agent: ", "yellow"), doubt), soft_wrap=True)


def _fail(text: str, code: int) -> NoReturn:
    Console(stderr=True).print(Text.assemble(("agent: ", "red"), text), soft_wrap=True)
    raise SystemExit(code)
