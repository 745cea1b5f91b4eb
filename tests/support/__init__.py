"""What the tests of several rooms need: waiting with a deadline, child processes, real services."""
