"""The embedded stack: everything the portal needs on one machine, under one supervisor.

Imports only the kernel, the standard library, psutil, rich and the wheels that carry the servers, so that the
supervisor stays small while it watches the large ones.
"""
