"""The plots: matplotlib drawings as inline SVG. Each file draws one thing; none reads a file."""
