"""Adapters for Flask: the browser's session and a request as a unit of work."""
