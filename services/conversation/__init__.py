"""The conversation with a maker: the interview, the analysis and the questions about it."""
