"""The services that a pattern needs beside its instances."""
