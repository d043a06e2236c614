"""The two recognizers that ship with a post, and how to train, convert and evaluate them."""
