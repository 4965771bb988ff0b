"""Live conversation, Regenerate and its comparison."""
