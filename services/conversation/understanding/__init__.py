"""What a message says about a product, as facts with the words that set them."""
