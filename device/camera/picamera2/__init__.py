"""The camera of a Raspberry Pi, through Picamera2."""
