"""The HTTP face: every view parses, calls one service and answers."""
