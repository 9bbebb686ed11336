"""The load of `soiree bench relay`: all clients of a room in one process, as light as it can be, so that the server is what is measured."""
