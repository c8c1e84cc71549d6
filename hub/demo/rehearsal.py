"""Before the legacy system is asked: the adapter polls a stand-in that is made of the contract alone."""

from adapters.soap.bundle import load_bundle
from adapters.soap.sandbox import Sandbox, SandboxOptions, Scenario
from adapters.soap.sandbox.scenario import Behaviour
from contracts.legacy.soap.contract.schema import build
from contracts.legacy.soap.contract.wsdl import read_contract
from contracts.ports import Progress
from hub.demo.acts import Acts
from hub.demo.evidence import Rehearsed
from hub.demo.service import WSDL
from hub.discovery import discover

__all__ = ["rehearse"]

_ITEMS = 50


async def rehearse(acts: Acts, label: str) -> Rehearsed:
    """Poll the stand-in once; nothing of it is published."""
    step = acts.begin(label, total=_ITEMS)
    contract = read_contract(load_bundle(str(WSDL), root=None))
    options = SandboxOptions(scenario=Scenario(every=Behaviour(items=_ITEMS)))
    async with Sandbox(contract, build(contract.bundle), options) as sandbox:
        adapter = discover(acts.stage.settings.adapters)["residents"].configured(
            {"endpoint": sandbox.url, "once": True}
        )
        batches = [batch async for batch in adapter.read(Progress())]
    events = sum(len(columns) for batch in batches for columns in batch.events)
    acts.end(step, events)
    return Rehearsed(source="rehearsal", items=_ITEMS, events=events, dead=sum(len(batch.dead) for batch in batches))
