"""The Python face of the database, the settings and the commands."""
