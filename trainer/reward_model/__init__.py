"""Reward models trained on whole rankings; equations in `loss`, how a batch is run in `shared_prompt`."""
