"""The kinds of input file and option, each read and validated whole."""
