"""Text: where it comes from, how it is cleaned, cut into tokens, counted and masked."""
