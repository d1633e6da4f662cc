"""Finds the words that matter in a text: tokens, phrases, quantities, norm names, the lexicon."""
