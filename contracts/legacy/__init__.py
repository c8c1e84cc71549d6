"""Understand legacy contracts as pure code without I/O. Imported only by who needs it."""
