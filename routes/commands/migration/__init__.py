"""The operator's `flask migration`: its commands, what they change, watch and print."""
