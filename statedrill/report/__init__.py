"""The verdict for a reader: pages, a summary, JUnit's XML, and the terminal's table.

Everything here is made from a run's folder alone; nothing is judged again. The entries are
`run.outputs.write_report`, `comparison.page.write_comparison`, and `text.terminal`, which is light
to import: pandas and matplotlib are not, and the terminal needs neither.
"""
