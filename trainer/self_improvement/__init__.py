"""Learning from a model's own majority answers (Huang et al. 2022, "Large Language Models Can Self-Improve")."""
