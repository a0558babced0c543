"""Runs the simulator by itself: python -m sandbox.partner --port 12210 --hub URL --upload-key KEY."""

from __future__ import annotations

import argparse
import sys
import threading

from sandbox.kit import serve
from sandbox.partner.simulator import KEY, SUPPLIER, US, PartnerSandbox
from sandbox.partner.writing import Party


def main() -> None:
    """Serve until interrupted."""
    asked = argparse.ArgumentParser(description="A simulated retailer that trades by EDI X12.")
    asked.add_argument("--port", type=int, default=12210)
    asked.add_argument("--key", default=KEY, help="the key its inbox asks for")
    asked.add_argument("--hub", default="", help="where its files go: the hub's /files/{connection}")
    asked.add_argument("--upload-key", default="", help="the key of that connection")
    asked.add_argument("--id", default=US.id, help="its ISA id, qualifier ZZ")
    asked.add_argument("--supplier", default=SUPPLIER.id, help="the supplier's ISA id, qualifier ZZ")
    told = asked.parse_args()
    partner = PartnerSandbox(us=Party("ZZ", told.id), supplier=Party("ZZ", told.supplier), key=told.key)
    if told.hub:
        partner.connect(told.hub, told.upload_key)
    with serve(partner.app, told.port) as url:
        sys.stdout.write(f"Simulated retailer at {url}/inbox; key {told.key}; {url}/_sandbox/orders\n")
        sys.stdout.flush()
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
