"""What the reports read. Every figure shown is a column of a row that the page names."""
