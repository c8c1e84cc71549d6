"""The composition root: reads settings, wires the rest, and serves the command line."""
