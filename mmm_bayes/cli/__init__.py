"""The command line: it translates options into the functions of `mmm_bayes.pipeline`, and errors into sentences."""

from mmm_bayes.cli.commands import app
from mmm_bayes.cli.entry import main

__all__ = ["app", "main"]
