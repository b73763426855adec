"""The console script: `botbot COMMAND`. Each command does one thing and says in words what went wrong."""

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import msgspec

from botbot import logs, settings
from botbot.errors import BotBotError
from botbot.settings import Settings, load_settings

Command = Callable[[Settings, argparse.Namespace], Coroutine[Any, Any, int]]
EXPORTS = ("json", "jsonl", "card-v2", "card-v3", "png", "charx", "lobe", "eliza")
EVERYTHING = frozenset({"web", "worker", "bot"})


def main(arguments: list[str] | None = None) -> None:
    """Parse, run, and leave with the command's exit code."""
    os.umask(0o077)  # What we write (database, keys) is for this account's eyes only.
    parsed = _parser().parse_args(arguments)
    try:
        chosen = load_settings()
        logs.set_up(chosen.log)
        code = _run(parsed.command(chosen, parsed))
    except BotBotError as error:
        print(f"botbot: {error.message}", file=sys.stderr)
        for name, problem in error.details.get("fields", {}).items():
            print(f"  {name} {problem}", file=sys.stderr)
        code = 1
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


def _run(work: Coroutine[Any, Any, int]) -> int:
    try:
        import uvloop
    except ImportError:
        return asyncio.run(work)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="botbot", description="A marketplace of AI personalities for Discord.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: Command, meaning: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=meaning, description=meaning)
        added.set_defaults(command=command)
        return added

    serve_parser = add("serve", serve, "Everything in one process: web, worker, bot. Migrates and seeds first.")
    serve_parser.add_argument("--sandbox", action="store_true", help="also start the sandbox, and use it")
    add("web", role("web"), "The web alone.")
    add("worker", role("worker"), "The worker alone: deployments and tidying up.")
    add("bot", role("bot"), "The bot alone.")
    add("sandbox", run_sandbox, "The stand-in Discord and model, on loopback.")
    add("migrate", run_migrate, "Bring the database's schema up to date.")
    add("seed", run_seed, "Load the curated catalogue; may be repeated.")
    _add_token(commands)
    granting = add("grant", grant, "Make somebody a moderator or an admin.")
    granting.add_argument("--user", type=_snowflake, required=True, metavar="DISCORD_ID")
    granting.add_argument("--role", choices=["user", "moderator", "admin"], required=True)
    doctoring = add("doctor", run_doctor, "Check every setting and peer; exit 1 if anything is wrong.")
    doctoring.add_argument("--example", action="store_true", help="print a .env.example and do nothing else")
    doctoring.add_argument("--json", action="store_true", help="print the findings as JSON")
    importing = add("import", run_import, "Add entries from files in any known format; exit 1 if one is rejected.")
    importing.add_argument("files", nargs="+", type=Path, metavar="FILE")
    importing.add_argument("--dry-run", action="store_true", help="store nothing, only say what would happen")
    importing.add_argument("--json", action="store_true", help="print the report as JSON")
    exporting = add("export", run_export, "Entries as files, to standard output or a directory.")
    exporting.add_argument("--format", default="json", choices=EXPORTS)
    exporting.add_argument("--id", nargs="+", action="extend", default=[], metavar="ID", help="ids or slugs")
    exporting.add_argument("--out", type=Path, metavar="DIR", help="one file for each entry")
    exporting.add_argument("--all", action="store_true", help="hidden and archived entries too")
    backing_up = add("backup", run_backup, "A consistent copy, while the marketplace is at work (SQLite).")
    backing_up.add_argument("file", type=Path, metavar="FILE")
    restoring = add("restore", run_restore, "Fill an empty data directory from a backup.")
    restoring.add_argument("file", type=Path, metavar="FILE")
    moving = add("move", run_move, "Move everything from SQLite to an empty PostgreSQL database, and compare each row.")
    moving.add_argument("--to", required=True, metavar="URL", help="postgresql://…; its password may be in PGPASSWORD")
    add("rotate-keys", rotate_keys, "Encrypt everything anew under the first key in BOTBOT_SECRET_KEY; repeatable.")
    erasing = add("erase", erase_person, "Erase somebody and all that leads to them, with an account here or without.")
    erasing.add_argument("--user", type=_snowflake, required=True, metavar="DISCORD_ID")
    pardoning = add("pardon", pardon_person, "Let somebody in again who was banned and then erased.")
    pardoning.add_argument("--user", type=_snowflake, required=True, metavar="DISCORD_ID")
    add("openapi", print_openapi, "Print the OpenAPI 3.1 document.")
    return parser


def _add_token(commands: Any) -> None:
    parser = commands.add_parser("token", help="Personal API tokens.", description="Personal API tokens.")
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    creating = verbs.add_parser("create", help="Print a new token, once.")
    creating.add_argument("--user", type=_snowflake, required=True, metavar="DISCORD_ID")
    creating.add_argument("--name", default="", help="what it is for")
    creating.set_defaults(command=create_token)


def _snowflake(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 2**63):
        raise argparse.ArgumentTypeError("must be a Discord id: digits only")
    return int(text)


async def serve(chosen: Settings, parsed: argparse.Namespace) -> int:
    from botbot.runtime import Process

    return await Process(chosen, EVERYTHING, sandbox=parsed.sandbox).run()


def role(name: str) -> Command:
    async def run(chosen: Settings, parsed: argparse.Namespace) -> int:
        from botbot.runtime import Process

        return await Process(chosen, frozenset({name})).run()

    return run


async def run_sandbox(chosen: Settings, parsed: argparse.Namespace) -> int:
    """Prints the settings that point a marketplace here, then serves until it is stopped."""
    import signal

    from botbot.sandbox.server import Sandbox

    sandbox = Sandbox(
        redirect_uris=[chosen.redirect_uri],
        port=chosen.sandbox_port,
        state_file=chosen.data_dir / "sandbox.json",
        message_content=chosen.discord_message_content,
    )
    await sandbox.start()
    for name, value in sandbox.environment.items():
        print(f"{name}={value}")
    print(f"# the sandbox: {sandbox.url}", flush=True)
    stopping = asyncio.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(each, stopping.set)
    await stopping.wait()
    await sandbox.stop()
    return 0


async def _with_house(chosen: Settings, work: Callable[[Any], Coroutine[Any, Any, int]]) -> int:
    from botbot.catalog import search_index
    from botbot.db.migrate import migrate
    from botbot.house import House

    house = House.build(chosen)
    try:
        await migrate(house.db)
        await search_index.ensure(house.db)
        return await work(house)
    finally:
        await house.close()


async def run_migrate(chosen: Settings, parsed: argparse.Namespace) -> int:
    async def work(house: Any) -> int:
        print("The schema is up to date.")
        return 0

    return await _with_house(chosen, work)


async def run_seed(chosen: Settings, parsed: argparse.Namespace) -> int:
    async def work(house: Any) -> int:
        from botbot.runtime import seed

        print(", ".join(f"{count} {what}" for what, count in (await seed(house)).items()))
        return 0

    return await _with_house(chosen, work)


async def create_token(chosen: Settings, parsed: argparse.Namespace) -> int:
    async def work(house: Any) -> int:
        from botbot.accounts.service import create_api_token

        async with house.db.write() as session:
            token = await create_api_token(session, parsed.user, parsed.name)
        print(token)
        print("Keep it now: it can't be shown again.", file=sys.stderr)
        return 0

    return await _with_house(chosen, work)


async def grant(chosen: Settings, parsed: argparse.Namespace) -> int:
    async def work(house: Any) -> int:
        from botbot.accounts.service import grant_role

        async with house.db.write() as session:
            await grant_role(session, parsed.user, parsed.role)
        print(f"{parsed.user} is {parsed.role} now.")
        return 0

    return await _with_house(chosen, work)


async def run_doctor(chosen: Settings, parsed: argparse.Namespace) -> int:
    from botbot.doctor import examine, example

    if parsed.example:
        print(example(), end="")
        return 0
    findings = await examine(chosen)
    is_well = not any(finding.is_wrong for finding in findings)
    if parsed.json:
        print(msgspec.json.encode({"ok": is_well, "findings": findings}).decode())
        return 0 if is_well else 1
    for name, value in settings.shown(chosen):
        print(f"  {name}={value}")
    for finding in findings:
        print(finding)
    return 0 if is_well else 1


async def run_import(chosen: Settings, parsed: argparse.Namespace) -> int:
    from botbot.exchange.console import import_files

    async def work(house: Any) -> int:
        return await import_files(house, parsed.files, dry_run=parsed.dry_run, as_json=parsed.json)

    return await _with_house(chosen, work)


async def run_export(chosen: Settings, parsed: argparse.Namespace) -> int:
    from botbot.exchange.console import export_entries

    async def work(house: Any) -> int:
        return await export_entries(house, parsed.format, parsed.id, parsed.out, hidden_too=parsed.all)

    return await _with_house(chosen, work)


async def run_backup(chosen: Settings, parsed: argparse.Namespace) -> int:
    from botbot import backups

    if not chosen.is_sqlite:
        print(backups.dump_command(chosen, parsed.file))
        print("This database is PostgreSQL's: the line above backs it up. Nothing was written.", file=sys.stderr)
        return 0
    made = await backups.back_up(chosen, parsed.file)
    print(f"Backed up to {parsed.file}, as of {made.made_at:%Y-%m-%d %H:%M:%S} UTC.")
    if not made.has_key:
        print("BOTBOT_SECRET_KEY is not in it: keep that apart, without it nobody can read tokens and talk.")
    return 0


async def run_restore(chosen: Settings, parsed: argparse.Namespace) -> int:
    from botbot import backups

    if not chosen.is_sqlite:
        print(backups.load_command(chosen, parsed.file))
        print("This database is PostgreSQL's: the line above restores it. Nothing was done.", file=sys.stderr)
        return 0
    made = await backups.restore(chosen, parsed.file)
    print(f"Restored as of {made.made_at:%Y-%m-%d %H:%M:%S} UTC. Start it with the settings it had.")
    if not made.has_key:
        print("It was made with a BOTBOT_SECRET_KEY of its own: set the same one again.")
    return 0


async def run_move(chosen: Settings, parsed: argparse.Namespace) -> int:
    from botbot.moving import move

    moved = await move(chosen, parsed.to, lambda each: print(f"{each.table:24} {each.rows:>9}  sha256 {each.digest}"))
    print(f"Moved {sum(each.rows for each in moved)} rows of {len(moved)} tables, and found each of them equal.")
    print("Now set DATABASE_URL to the new address and start. The SQLite file is as it was.")
    if not chosen.secret_key:
        print(f"Processes elsewhere need the key in {chosen.data_dir / 'secret.key'} as their BOTBOT_SECRET_KEY.")
    return 0


async def rotate_keys(chosen: Settings, parsed: argparse.Namespace) -> int:
    from botbot.privacy import console

    return await _with_house(chosen, console.rotate_keys)


async def erase_person(chosen: Settings, parsed: argparse.Namespace) -> int:
    from botbot.privacy import console

    return await _with_house(chosen, lambda house: console.erase(house, parsed.user))


async def pardon_person(chosen: Settings, parsed: argparse.Namespace) -> int:
    from botbot.privacy import console

    return await _with_house(chosen, lambda house: console.pardon(house, parsed.user))


async def print_openapi(chosen: Settings, parsed: argparse.Namespace) -> int:
    from botbot.app import build_app, describe
    from botbot.house import House

    house = House.build(chosen)
    try:
        _, site = build_app(house)
        print(msgspec.json.format(msgspec.json.encode(describe(site), order="deterministic"), indent=2).decode())
    finally:
        await house.close()
    return 0


if __name__ == "__main__":
    main()
