"""Intake and Kafka: publishing events, breaking off, telling the time, following the registry."""
