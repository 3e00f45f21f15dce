"""A coloured text as a file that stands alone: a page, a picture, or the numbers."""
