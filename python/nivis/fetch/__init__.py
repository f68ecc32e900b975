"""The only room that talks to the network: where mirrors are, what is cached, how files arrive."""
