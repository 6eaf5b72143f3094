"""How sessions stand, what is wrong with them, which of them conflict."""
