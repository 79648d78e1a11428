"""The recording: every minute on disk, in a SQLite database that plain SQL can read.

What is in it is told in `streamer.recording.schema`. The readings are the log: a snapshot
of the pipeline's state now and then, and the readings since, pushed again, give the state
back as it was.
"""
