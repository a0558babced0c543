"""Everything that proves the hub. A regular package: one of the tools installs another of the same name."""
