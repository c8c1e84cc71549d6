"""The command line `banyan`: one module for each group of commands."""

from hub.cli.root import main

__all__ = ["main"]
