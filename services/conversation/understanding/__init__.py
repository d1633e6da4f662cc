"""Turns a message into facts about a product, with the words behind them."""
