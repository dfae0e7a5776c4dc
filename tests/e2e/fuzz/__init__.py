"""Any content that API servers accept, thrown at running controllers and agents with each identity."""
