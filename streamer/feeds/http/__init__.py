"""Meters that are asked over HTTP, or that send to a web address."""
