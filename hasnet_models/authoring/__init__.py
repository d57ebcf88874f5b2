"""Making a domain: pictures become references, a shape, a medium, a package and a wheel."""
