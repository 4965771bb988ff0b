"""Labels in the formats of other houses, in and out. Pure functions: nothing here knows the database.

In: `records` (bytes to JSON objects, one bad line at a time) → `formats` (which family; its reader) → ranking lines.
Out: ranking lines → `outgoing` or `spreadsheets`. A file of an unknown or broken kind is refused in one sentence.
"""
