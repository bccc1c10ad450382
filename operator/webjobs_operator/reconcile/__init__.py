"""A pass over one WebJob, from what is there to what should be, and its status."""
