"""The files of a deployment, and `make up`, which runs them on one machine."""
