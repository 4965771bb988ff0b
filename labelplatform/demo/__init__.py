"""The demo: two projects, one order of steps, one summary; it only calls the other apps."""
