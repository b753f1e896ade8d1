"""Who is to be told what, and when: pure, whatever carries it there."""
