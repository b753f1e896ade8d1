"""Facts, policy and evaluation: pure, standard library only, no clock, no input or output."""
