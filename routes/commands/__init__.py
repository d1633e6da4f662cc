"""The commands of `flask` for those who run it."""
