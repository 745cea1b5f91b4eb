"""The kinds of input file and option: one module each, validated as a whole."""
