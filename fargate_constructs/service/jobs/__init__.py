"""Tasks that run to their end: what starts, stops, repeats and reports them."""
