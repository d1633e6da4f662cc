"""Sessions in Redis: the store, its connections, its scripts and what its errors mean."""
