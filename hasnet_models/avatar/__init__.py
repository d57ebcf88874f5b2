"""From a request to avatars, in one direction.

`request` is what is asked for, `job` makes it ready and works with whatever follows the `Pipeline`
protocol of `steps`, `layer` lays the medium at the end, `provenance` is the record in every avatar,
`fingerprint` what a result depends on. `pipeline` has the real networks, `api` is the front door
for Python.
"""
