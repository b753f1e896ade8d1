"""The report in every form in which people and machines read it: pure, and no form adds a fact."""
