"""A stand-in for a SOAP service, made of its contract: valid samples, faults, trouble, drift, pages, recordings."""

from adapters.soap.sandbox.scenario import Scenario, read_scenario
from adapters.soap.sandbox.server import Sandbox, SandboxOptions
from adapters.soap.sandbox.service import Reply

__all__ = ["Reply", "Sandbox", "SandboxOptions", "Scenario", "read_scenario"]
