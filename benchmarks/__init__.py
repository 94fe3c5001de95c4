"""Speed of symgrad beside its peers: problems.py, peers/ and the command side_by_side.py."""
