"""What the analyses found, as lines that a panel lists."""
