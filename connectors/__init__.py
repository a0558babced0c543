"""Built-in connectors, one folder per system; each imports only `hub.sdk`."""
