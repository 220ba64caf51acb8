//! What an image becomes: archives, OCI directories.
