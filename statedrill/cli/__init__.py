"""The command line: one function per verb, errors turned into exit codes, no decisions."""
