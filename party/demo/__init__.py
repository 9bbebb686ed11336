"""What `soiree party --demo` opens: a room with a guest, or a city."""
