"""The command line: one thin file a command; main.py is the one place where errors become messages."""
