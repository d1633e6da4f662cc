"""HTTP: each view parses a request, calls one service and builds the response."""
