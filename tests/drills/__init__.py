"""Fault drills: clients that remember what they were told, real servers, and a checker."""
