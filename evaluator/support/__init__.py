"""Is a response supported by a text? Sentences, what they share with the text, and a detector trained on labels."""
