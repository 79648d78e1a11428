"""Notifications: a few messages to people, each once, by whatever apprise can reach."""
