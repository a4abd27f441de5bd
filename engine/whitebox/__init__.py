"""What an attacker reads of models whose weights he has: gradients, and distances found by following them."""
