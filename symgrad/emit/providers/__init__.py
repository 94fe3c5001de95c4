"""Who computes a function: our own vector code, definitions traced to routines, or a library."""
