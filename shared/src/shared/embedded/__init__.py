"""One laptop: a real Kafka and a real PostgreSQL from packages, and the verbs that run everything on them."""
