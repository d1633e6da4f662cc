"""The commands of `flask` for operators."""
