"""Load processes on other machines: their record travels to the master, on its clock."""
