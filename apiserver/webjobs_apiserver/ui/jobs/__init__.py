"""What pages show of a job: a row, its facts, its runs, and what a schedule would do. Pure."""
