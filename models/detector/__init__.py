"""The int8 plate detector: training windows, net, targets, losses, training and conversion to TFLite."""
