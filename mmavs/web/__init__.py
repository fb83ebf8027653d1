"""A page in the browser that segments what visitors upload."""
