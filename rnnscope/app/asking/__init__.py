"""What a screen asks of a worker, and what it is answered: frozen values over a desk, and no torch.

screen ──ask──▶ Desk ──take──▶ a worker's lanes: quick (pages, typing), long (searches), background
       ◀─drain─      ◀─post──
"""
