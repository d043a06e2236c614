"""The outbox: the durable, encrypted queue on disk between what happened and the broker."""
