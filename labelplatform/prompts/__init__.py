"""Prompt sets, prompts and the responses to them."""
