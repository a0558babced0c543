"""The public doors: signed webhooks and dropped files."""
