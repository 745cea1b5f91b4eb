"""The planted bugs that `BUGS` switches on, each one something that real systems did."""
