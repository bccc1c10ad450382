"""What a pass knows: facts, conditions, whether the job can run, and which Jobs wait."""
