"""A fleet of light posts against a real broker, and a model of what larger fleets need."""
