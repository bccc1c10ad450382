"""The slots of schedules, and what becomes of them."""
