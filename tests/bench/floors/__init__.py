"""The least work that could do a row's job: what our speed is compared with."""
