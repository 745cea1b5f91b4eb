"""Check results and metrics in, the verdict's sections, clauses and sentences out."""
