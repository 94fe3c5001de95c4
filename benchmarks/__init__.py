"""What symgrad costs, how exact it is, and how it compares; README.md lists the commands."""
