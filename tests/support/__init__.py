"""What several tests need: real servers on free ports, a movable clock, HTTP helpers."""
