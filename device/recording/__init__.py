"""Recording what a camera sees: only where it is allowed, by a person, for a purpose, sealed to the department."""

from platepost.device.recording.errors import NotForThisKeyError, RecordingError
from platepost.device.recording.recordings import Recordings
from platepost.device.recording.sealed import SUFFIX, SealedReader, SealedWriter

__all__ = ["SUFFIX", "NotForThisKeyError", "RecordingError", "Recordings", "SealedReader", "SealedWriter"]
