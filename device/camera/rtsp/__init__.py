"""The camera of a network: H.264 or H.265 by RTSP, for posts that take what an IP camera sends."""
