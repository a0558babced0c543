"""The only package that speaks SQL; the same statements run on SQLite and PostgreSQL."""
