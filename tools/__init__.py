"""Scripts that maintainers run: the sample report, the track record, the long proofs."""
