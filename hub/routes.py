"""Who hears of what: config/routes.yaml, checked against the process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from hub.errors import Invalid

Routes = Mapping[str, Sequence[str]]


def load_routes(path: Path, events: Sequence[str]) -> Routes:
    """Event name to connection names. Raises Invalid naming the event that does not exist."""
    try:
        found = yaml.safe_load(path.read_text("utf-8")) or {}
    except FileNotFoundError:
        raise Invalid(f"{path} is missing; copy it from the distribution's config folder") from None
    except yaml.YAMLError as error:
        raise Invalid(f"{path} is not YAML: {error}") from None
    if not isinstance(found, dict):
        raise Invalid(f"{path} must map event names to lists of connections")
    for event, names in found.items():
        if event not in events:
            raise Invalid(
                f"{path}: no event is called {event!r}; known are {', '.join(events)}", field=str(event)
            )
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise Invalid(f"{path}: {event} must be a list of connection names", field=event)
    return found
