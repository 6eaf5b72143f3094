"""What a session is made of: one module each, with describe, create, remove and problems."""
