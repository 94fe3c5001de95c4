"""How CPU kernels read points and write results: arrays, scratch columns, tiles, runs, rows."""
