"""Every write exactly once: an Idempotency-Key that follows from the write, and a look before another key."""

from __future__ import annotations

from collections.abc import Callable

from connectors.stripe.answers import OTHER_BODY, REPLAYED
from connectors.stripe.encoding import Form
from connectors.stripe.wire import Answer, Wire
from hub.sdk import ConnectorError, Record, Transient, Write

KEYS_MAX = 8  # keys in the chain of one step

Look = Callable[[str], Record | None]


def step_key(write: Write, step: str) -> str:
    """The key of one step of a write: the same for every attempt, another for every version."""
    return f"o2c:{write.idempotency_key}:{step}"


def once(wire: Wire, path: str, form: Form, key: str, look: Look) -> Record:
    """POST, and the object as it is then.

    Stripe stores the answer of a key for a day, also where it was a failure: such a key never gets anywhere.
    A stored failure, or a key that was used with another body, says nothing of what was done: `look` tells.
    It gets the id that a stored success names, else empty text, and returns the object as wanted, or None:
    then the next key of the chain is used, which is the same in every attempt. Raises ConnectorError.
    """
    for number in range(KEYS_MAX):
        answer = _tried(wire, path, form, f"{key}:{number}" if number else key)
        if answer is not None and not answer.replayed:
            return answer.record
        found = look(str(answer.record.get("id") or "") if answer else "")
        if found is not None:
            return found
    raise Transient(f"Stripe repeats its stored failures of {KEYS_MAX} keys for {path}", code=REPLAYED)


def again(wire: Wire, path: str, form: Form, key: str) -> Record:
    """The same for what may be done twice without harm: a stored success is one."""
    for number in range(KEYS_MAX):
        answer = _tried(wire, path, form, f"{key}:{number}" if number else key)
        if answer is not None:
            return answer.record
    raise Transient(f"Stripe repeats its stored failures of {KEYS_MAX} keys for {path}", code=REPLAYED)


def _tried(wire: Wire, path: str, form: Form, key: str) -> Answer | None:
    """The answer; None: this key is spent."""
    try:
        return wire.post(path, form, key)
    except ConnectorError as error:
        if error.code not in (REPLAYED, OTHER_BODY):
            raise
        return None
