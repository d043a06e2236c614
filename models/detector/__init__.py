"""The int8 plate detector: net, targets, losses, training and conversion to TFLite."""
