"""A camera that plays a video, a folder of images, or what a post recorded."""
