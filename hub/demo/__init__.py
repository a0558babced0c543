"""The demo: a hub, simulated HubSpot, NetSuite and bank on real ports, and a story that ties out."""
