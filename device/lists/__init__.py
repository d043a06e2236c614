"""The hot list of a running post: how it comes and how it is kept. What a list is: `device.hotlist`."""
