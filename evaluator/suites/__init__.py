"""What can be asked of a subject. `catalogue` names the suites; each suite turns lines into samples."""
