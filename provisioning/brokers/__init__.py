"""What a fleet's broker is told: who may write and read what, in the words of mosquitto and RabbitMQ."""
