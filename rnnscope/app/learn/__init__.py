"""The chapters of the course as figures: what each draws, and what its keys change."""
