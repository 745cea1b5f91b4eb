"""Tests of the reference application, spoken to as any client would."""
