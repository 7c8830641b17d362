"""`python -m flows.cli`: the command line, where the script `c5watch` is not at hand."""

from flows.cli.app import run

run()
