"""Pretraining of a small Llama-style model: documents, tokenizer, packing, and the loop over them."""
