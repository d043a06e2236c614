"""A camera of the kernel's Video4Linux: on USB (UVC), or any other that has a `/dev/video` of its own."""
