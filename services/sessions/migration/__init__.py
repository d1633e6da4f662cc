"""From one store to another in six stages: what serves, what is copied, and who controls it."""
