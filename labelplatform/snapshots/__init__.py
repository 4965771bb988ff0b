"""Immutable, digested, split-by-prompt sets of labels."""
