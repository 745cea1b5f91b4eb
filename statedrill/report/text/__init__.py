"""Reports without HTML: Markdown, JUnit XML and the terminal's table."""
