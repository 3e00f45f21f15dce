"""`python -m rnnscope` is `rnnscope`."""

import sys

from rnnscope.cli import main

sys.exit(main())
