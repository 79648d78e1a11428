"""Meters that are polled over HTTP, and a server for readings sent over HTTP."""
