"""Speak legacy: one module for each kind of legacy system, each fulfilling the port `Source`."""
