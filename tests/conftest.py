"""What every test shares: a hypothesis profile for noisy machines."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# Time limits say more about the machine's neighbours than about our code.
settings.register_profile("argosy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("argosy")
