"""Campaigns, slots and the labels people give."""
