"""The worker's side of the inspect screen: torch and the analyses, behind a desk."""
