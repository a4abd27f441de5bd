"""The pages, one module each, thin: pieces and words live beside this folder."""
