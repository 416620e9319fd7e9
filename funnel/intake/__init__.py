"""Tables that users bring: found, read, checked and counted before anything is made of them. Knows no world."""
