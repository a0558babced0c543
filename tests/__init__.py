"""Everything that proves the hub: a regular package, because one of the tools installs one of the same name."""
