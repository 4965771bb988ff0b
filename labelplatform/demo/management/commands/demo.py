"""`manage.py demo`: the whole loop on real input, in the browser or, with --until-done, without one."""

import os
import secrets
import sys
from argparse import ArgumentParser
from pathlib import Path
from threading import Event
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand
from rich.console import Console

from labelplatform.demo import assistant_project, atlas_project, people
from labelplatform.demo.recipe import recipe_named
from labelplatform.demo.story import tell_outcome
from labelplatform.demo.summary import REFUSED, seed_of, summary
from labelplatform.demo.supervisor import CannotStartError, Supervisor, refusing_full_disks
from labelplatform.demo.walk import Bars, StepFailedError, Walker, walk
from trainer.json_lines import write_json_atomically

DEFAULT_SEED, DEFAULT_PORT = 0, 8000
CANNOT_START, REFUSED_EXIT = 2, 4


class Command(BaseCommand):
    """Make projects and people, start the platform, walk both chains, say what came out."""

    help = "Run the whole loop on real input; a second run goes on where the first one stopped."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--until-done", action="store_true", help="no browser: exit when the loop has closed"
        )
        parser.add_argument(
            "--summary", type=Path, metavar="FILE", help="write the figures of the loop as JSON"
        )
        parser.add_argument("--seed", type=int, help=f"of everything random (default {DEFAULT_SEED})")
        parser.add_argument(
            "--port", type=int, default=DEFAULT_PORT, help=f"of the web page (default {DEFAULT_PORT})"
        )
        parser.add_argument(
            "--recipe", default="full", help="full, or tiny: a world of minutes, to see the machinery"
        )

    def handle(self, *args: object, **options: Any) -> None:
        self.console = Console(highlight=False, soft_wrap=True)
        try:
            code = self._run(options)
        except (CannotStartError, StepFailedError) as problem:
            self.console.print(f"demo: {problem}", markup=False)
            code = CANNOT_START if isinstance(problem, CannotStartError) else 1
        except KeyboardInterrupt:
            self.console.print("Stopped. The same command goes on from here.")
            code = 130 if options["until_done"] else 0
        if code:
            sys.exit(code)

    def _run(self, options: dict[str, Any]) -> int:
        with Supervisor(settings.LABELPLATFORM_DATA, port=options["port"], tell=self._tell) as supervisor:
            with refusing_full_disks():
                make_secret_key()
                self.console.print("Preparing the database …")
                call_command("migrate", verbosity=0, interactive=False)
                cast = people.gather()
            seed = self._seed(cast, options["seed"])
            supervisor.start(web=not options["until_done"])
            self._introduce(cast, supervisor.address, web=not options["until_done"])
            work = atlas_project.Atlas(cast, recipe_named(options["recipe"]), seed)
            walkers = [
                Walker("Atlas", atlas_project.chain(work)),
                Walker("Assistant", assistant_project.chain(cast, seed)),
            ]
            with Bars(self.console) as bars:
                walk(walkers, bars=bars, check=supervisor.check, stop=Event())
            figures = summary(cast.atlas, cast.assistant, seed=seed, refusal=work.refusal)
            tell_outcome(cast, figures, self._tell)
            if options["summary"]:
                write_json_atomically(options["summary"], figures)
            if not options["until_done"]:
                self._tell(f"The page stays open at {supervisor.address} until Ctrl-C.")
                supervisor.wait()
                supervisor.check()
            return REFUSED_EXIT if figures["outcome"] == REFUSED else 0

    def _seed(self, cast: people.Cast, asked: int | None) -> int:
        begun = seed_of(cast.atlas)
        if begun is not None and asked is not None and asked != begun:
            raise CannotStartError(
                f"This database holds the demo of seed {begun}. For seed {asked}, name an empty data folder: "
                "LABELPLATFORM_DATA=FOLDER."
            )
        return begun if begun is not None else (DEFAULT_SEED if asked is None else asked)

    def _introduce(self, cast: people.Cast, address: str, *, web: bool) -> None:
        if web:
            self._tell(f"Open {address} and sign in:")
        for person, role in ((cast.annotator, "annotator"), (cast.researcher, "researcher")):
            password = cast.new_passwords.get(person.username)
            told = f"password {password}" if password else (
                f"the password was printed at the first start; a new one: {sys.executable} manage.py changepassword "
                f"{person.username}"
            )  # fmt: skip
            self._tell(f"  {person.username} ({role}): {told}")

    def _tell(self, sentence: str) -> None:
        self.console.print(sentence, markup=False)


def make_secret_key() -> None:
    """A private file with a random key, where the environment names none."""
    # Read without Django's own guard, which raises when there is none.
    if getattr(settings._wrapped, "SECRET_KEY", ""):
        return
    path: Path = settings.SECRET_KEY_PATH
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(secrets.token_urlsafe(50))
    settings.SECRET_KEY = path.read_text("utf-8")
