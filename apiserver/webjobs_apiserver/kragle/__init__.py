"""The Kragle Jobs API: jobs over schedules and stacks, by number (docs/kragle.md). Switched on by the configuration."""
