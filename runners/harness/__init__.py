"""What runs inside the Ray job: leases runs from the portal and executes them in one warm Ray Train worker group.

Packed as the top-level package ``mlp_harness`` into the job's working_dir, next to the user's ``code/``.
Therefore: relative imports only, and nothing but the standard library, ray, torch and numpy.
"""
