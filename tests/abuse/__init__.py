"""Attacks on a real deployment, and what they cost it and another visitor."""
