"""What a pass knows: its WebJob, settings, conditions and waiting Jobs."""
