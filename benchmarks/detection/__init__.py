"""The sets and the baselines that the support detector is measured on and against."""
