"""The base of every simulation: folders, brokers, departments, posts, subscribers, and how all of it ends."""
