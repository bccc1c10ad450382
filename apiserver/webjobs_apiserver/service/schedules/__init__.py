"""Scheduled jobs by number: WebJobSchedules over triggered WebJobs, with ids, unique names and stored timings."""
