"""The registry's SOAP service becomes `ResidentRecorded` events: all that an integration engineer writes."""

from datetime import timedelta
from pathlib import Path

from adapters import soap
from contracts.resident import RESIDENT_KEY, ResidentRecorded

adapter = soap.Adapter(
    soap.Config(
        name="residents",
        wsdl=str(Path(__file__).parent.parent / "registry.wsdl"),
        operation="ListResidents",
        items=("ListResidentsResponse", "resident"),
        key=("id",),
        watermark=soap.Watermark(parameter="modifiedSince", field=("lastModified",)),
        full_every=timedelta(0),
        interval=timedelta(seconds=1),
    ),
    model=ResidentRecorded,
    key="resident_id",
    canonical=RESIDENT_KEY,
    mapping=lambda resident: ResidentRecorded(
        resident_id=RESIDENT_KEY.of(resident["id"]),
        name=resident["name"],
        street=resident["address"]["street"],
        city=resident["address"]["city"],
        born=resident["born"],
        status=resident["status"],
    ),
)
