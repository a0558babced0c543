"""The console: the admin API's reach in pages for people, drawn on the server, without a build step."""
