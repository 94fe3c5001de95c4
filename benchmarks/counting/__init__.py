"""How many operations derivative programs take, symgrad's and other systems'."""
