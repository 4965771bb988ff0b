"""Jobs: promises that survive restarts, and the artifacts they make."""
