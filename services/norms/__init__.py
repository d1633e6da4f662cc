"""Which EU norms exist, what makes each apply, and the product facts that decide it."""
