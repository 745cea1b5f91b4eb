"""The control address: the HTTP interface through which anything of a target is broken."""
