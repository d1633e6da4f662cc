"""What the application does, independent of HTTP: sessions, norms and the conversation."""
