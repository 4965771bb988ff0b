"""Ladders: several sizes of a model from one corpus, each measured alike, and the curve of what came with size."""
