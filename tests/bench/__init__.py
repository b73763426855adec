"""`./dev bench`: what the product can do, beside what its database's driver and its web server could do at best."""
