"""The plate reader: a small convolutional net with a CTC head, trained on drawn plates."""
