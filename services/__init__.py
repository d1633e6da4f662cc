"""What the application does, free of HTTP: sessions, norms and the conversation."""
