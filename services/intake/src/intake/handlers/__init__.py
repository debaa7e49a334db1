"""What the door does with events: judge each alone, reserve, publish, complete, answer."""
