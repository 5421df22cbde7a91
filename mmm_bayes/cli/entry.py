"""The whole command line: its exit codes, and errors as sentences."""

import logging
import os
import sys
import warnings
from collections.abc import Sequence

import click

from mmm_bayes.cli.commands import app
from mmm_bayes.cli.steps import fail
from mmm_bayes.errors import MMMError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0, 1 for errors, 2 for usage, 130 when interrupted."""
    if arguments is None:
        _silence()
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # it works side by side already; more threads only wait
    try:
        code = app.main(args=arguments, prog_name="mmm-bayes", standalone_mode=False)
    except MMMError as error:
        return fail(str(error))
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        click.echo("Stopped; what earlier steps wrote is kept.", err=True)
        return 130
    except OSError as error:
        return fail(f"{error.filename}: {error.strerror}." if error.filename else f"{error}.")
    return code or 0


def _silence() -> None:
    """Keep what libraries say to programmers from the user; ``python -W default`` brings warnings back."""
    logging.disable()
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
