"""From a run to a server, and to a file that needs no Stepwell."""
