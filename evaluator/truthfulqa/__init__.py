"""TruthfulQA (Lin, Hilton and Evans 2022): its questions in both editions, and the prompts they are asked in."""
