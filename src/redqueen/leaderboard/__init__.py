"""Submissions that anyone can verify, hidden rounds, and what is published of them."""
