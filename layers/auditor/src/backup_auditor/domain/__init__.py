"""The facts, the policy and the judgement: pure, standard library only, no clock, no input or output."""
