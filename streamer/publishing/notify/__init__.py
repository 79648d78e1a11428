"""Notifications: a few messages to people, each once, by the services that apprise knows."""
