"""Bots: guests without people, who fill a room and measure what it does to them."""
