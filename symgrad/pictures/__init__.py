"""pictures: sparsity patterns, programs and fields as SVG, written here without a library."""
