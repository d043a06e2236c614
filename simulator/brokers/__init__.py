"""Real brokers for a run, as children of it: mosquitto, RabbitMQ."""
