"""Looks, scans and claims of all request threads, worked off together and committed as one."""
