"""Our own vector mathematics: straight-line code for all lanes at once, within 1 ulp."""
