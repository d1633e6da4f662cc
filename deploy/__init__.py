"""What a deployment needs, and `make up`, which runs it on one machine."""
