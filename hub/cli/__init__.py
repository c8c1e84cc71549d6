"""The command line `banyan`: one module for each group of commands."""
