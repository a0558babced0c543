"""The writing endpoints of HubSpot: one method each, records in and out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connectors.hubspot.client import objects
from connectors.hubspot.wire import Wire, told
from hub.sdk import Record

EXTERNAL_ID = "o2c_external_id"  # our id of the document, a property with unique values made by install()


class Writing:
    """What changes things in HubSpot. Raises ConnectorError for every answer that is no 2xx."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def update(self, kind: str, id: str, properties: Mapping[str, str]) -> Record:
        """PATCH an object. Setting the same values again changes nothing, so it may be repeated."""
        path = f"{self._objects(kind)}/{id}"
        return told(self._wire.call("PATCH", path, json={"properties": dict(properties)}, idempotent=True))

    def update_batch(self, kind: str, inputs: Sequence[Record]) -> Record:
        """POST batch/update, at most 100 inputs; it may be repeated like a single one."""
        return self._wire.post(f"{self._objects(kind)}/batch/update", {"inputs": list(inputs)})

    def upsert_batch(self, kind: str, inputs: Sequence[Record]) -> Record:
        """POST batch/upsert by a unique property, at most 100 inputs; a repeat finds what the first made."""
        return self._wire.post(f"{self._objects(kind)}/batch/upsert", {"inputs": list(inputs)})

    def create_batch(self, kind: str, inputs: Sequence[Record]) -> Record:
        """POST batch/create with associations, at most 100 inputs; never repeated by itself."""
        path = f"{self._objects(kind)}/batch/create"
        return told(self._wire.call("POST", path, json={"inputs": list(inputs)}))

    def read_by(self, kind: str, name: str, values: Sequence[str]) -> Mapping[str, str]:
        """POST batch/read by a unique property, at most 100 values: the ids of those that exist."""
        body = {
            "idProperty": name,
            "inputs": [{"id": value} for value in values],
            "properties": [name],
            "propertiesWithHistory": [],
        }
        answer = self._wire.batch_read(f"{self._objects(kind)}/batch/read", body)
        return {str(one["properties"].get(name)): str(one["id"]) for one in objects(answer)}

    def associate(self, kind: str, far: str, inputs: Sequence[Record], type_id: int | None) -> Record:
        """POST associations, by default without a label; a repeat changes nothing."""
        path = f"/crm/associations/{self._wire.version}/{kind}/{far}/batch"
        if type_id is None:
            return self._wire.post(f"{path}/associate/default", {"inputs": list(inputs)})
        types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": type_id}]
        return self._wire.post(f"{path}/create", {"inputs": [{**one, "types": types} for one in inputs]})

    def group(self, kind: str, name: str) -> Record:
        """GET a group of properties."""
        return self._wire.get(f"/crm/properties/{self._wire.version}/{kind}/groups/{name}")

    def make_group(self, kind: str, name: str, label: str) -> None:
        """POST a group of properties."""
        path = f"/crm/properties/{self._wire.version}/{kind}/groups"
        self._wire.call("POST", path, json={"name": name, "label": label})

    def make_property(self, kind: str, definition: Record) -> None:
        """POST a property definition."""
        self._wire.call("POST", f"/crm/properties/{self._wire.version}/{kind}", json=definition)

    def _objects(self, kind: str) -> str:
        return f"/crm/objects/{self._wire.version}/{kind}"
