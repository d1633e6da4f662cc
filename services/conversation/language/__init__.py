"""The words of a text: tokens, phrases, numbers, names of norms, and the lexicon behind them."""
