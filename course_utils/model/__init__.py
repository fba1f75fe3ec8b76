"""The model, built up in order: attention · encoder · heads · interop.

`checks` says what is wrong with an input; `families` knows the names that `transformers` uses.
"""
