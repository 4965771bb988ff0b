"""Strangers' programs, run in a box and judged from outside it. Standard library only."""
