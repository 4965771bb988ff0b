"""Proximal policy optimisation from learned scores; equations in `rewards`, `advantages` and `loss`."""
