"""What would put a project right, decided without a call: a plan, what it leaves out, and what undoes it."""
