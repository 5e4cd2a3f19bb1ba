"""The words of pmcodex: frozen values and pure functions. No I/O, no clock, no randomness."""
