"""The study as a local web page: `app` has its pages, `guard` what is let in, `serving` the server.

Flask and waitress, both of the extra `hasnet[study]`, do what a web server does; this package needs
nothing of the network but the loopback device.
"""
