"""What an answer is worth: pure functions from lines to scores, without models and without randomness."""
