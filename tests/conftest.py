"""What holds for every test."""

import signal

# Where the test run was started in the background, Ctrl-C is ignored by it and by all that it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)
