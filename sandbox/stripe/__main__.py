"""Runs the simulator by itself: python -m sandbox.stripe --port 12111."""

from __future__ import annotations

import argparse
import sys
import threading

from sandbox.kit import serve
from sandbox.stripe.simulator import KEY, StripeSandbox


def main() -> None:
    """Serve until interrupted."""
    asked = argparse.ArgumentParser(description="A simulated Stripe account.")
    asked.add_argument("--port", type=int, default=12111)
    asked.add_argument("--key", default=KEY, help="the secret key it accepts")
    told = asked.parse_args()
    with serve(StripeSandbox(key=told.key).app, told.port) as url:
        sys.stdout.write(
            f"Simulated Stripe at {url}; secret key {told.key}; control at {url}/_sandbox/state\n"
        )
        sys.stdout.flush()
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
