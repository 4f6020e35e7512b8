"""Information from samples."""
