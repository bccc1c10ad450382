"""What becomes of the slots of schedules."""
