"""From a request to avatars: the pipeline, the job, and the record of how each was made."""
