"""Measurements of the hub: every figure is a ratio within one run, with the rates behind it."""
