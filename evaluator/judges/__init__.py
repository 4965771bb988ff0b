"""Judges of truth and informativeness, trained here from people's labels."""
