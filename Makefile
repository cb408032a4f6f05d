# Rowstation - `make help` lists the targets.
