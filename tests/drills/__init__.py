"""Fault drills: real servers, clients that record every answer, and a checker."""
